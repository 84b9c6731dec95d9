package serve

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// request is a request as it comes from a network, where a path is not cleaned.
func request(method, target, host string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	return r
}

func codeOf(s *Server, r *http.Request) int {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code
}

func TestHosts(t *testing.T) {
	root := t.TempDir()
	here := newServer(t, root, Options{Addr: "127.0.0.1:6007"})
	everywhere := newServer(t, root, Options{Addr: "0.0.0.0:6007"})
	named := newServer(t, root, Options{Addr: "cluster.example:6007"})
	for _, c := range []struct {
		s    *Server
		host string
		want bool
	}{
		{here, "127.0.0.1:6007", true}, {here, "localhost:6007", true}, {here, "LOCALHOST:6007", true}, {here, "[::1]:6007", true}, {here, "127.0.0.1", true},
		{here, "evil.example", false}, {here, "evil.example:6007", false}, {here, "localhost.evil.example:6007", false}, {here, "127.0.0.1.evil.example", false},
		{here, "192.168.0.7:6007", false}, {here, "", false}, {here, "127.0.0.1:8080", true}, {here, "[", false},
		{everywhere, "192.168.0.7:6007", true}, {everywhere, "evil.example:6007", false}, {everywhere, "localhost:6007", true},
		{named, "cluster.example:6007", true}, {named, "evil.example:6007", false},
	} {
		want := http.StatusOK
		if !c.want {
			want = http.StatusMisdirectedRequest
		}
		if got := codeOf(c.s, request(http.MethodGet, "/", c.host)); got != want {
			t.Errorf("%s asked for %q: %d, want %d", c.s.options.Addr, c.host, got, want)
		}
	}
}

func TestMethods(t *testing.T) {
	s := newServer(t, t.TempDir(), Options{})
	for _, path := range []string{"/", "/api/runs", "/api/events", "/nowhere"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"} {
			if got := codeOf(s, request(method, path, "localhost:6007")); got != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, path, got)
			}
		}
	}
	for _, path := range []string{"/", "/api/runs", "/api/events"} {
		if got := codeOf(s, request(http.MethodHead, path, "localhost:6007")); got != http.StatusOK {
			t.Errorf("HEAD %s: %d", path, got)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/api/runs", strings.NewReader("x"))
	r.Host = "localhost:6007"
	if got := codeOf(s, r); got != http.StatusBadRequest {
		t.Errorf("a body: %d", got)
	}
}

func TestPathsOutsideAreRefused(t *testing.T) {
	s := newServer(t, folder(t), Options{})
	for _, path := range []string{
		"/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e%2fetc%2fpasswd", "/assets/../main.js", "/./main.js", "//etc/passwd",
		"/%5c..%5cetc", "/main.js%00.html", "/assets/main.js", "/focal/config.yaml", "/main.js/", "/api", "/api/", "/api/run/focal",
		"/api/run?id=..%2f..%2fetc", "/api/run?id=focal", "/api/run?id=", "/api/run", "/api/curves?id=%00",
	} {
		if got := codeOf(s, request(http.MethodGet, path, "localhost:6007")); got != http.StatusBadRequest && got != http.StatusNotFound {
			t.Errorf("%s: %d", path, got)
		}
	}
	many := strings.Repeat("&"+idsOf("focal"), mostRuns+1)
	if got := codeOf(s, request(http.MethodGet, "/api/curves?"+many[1:], "localhost:6007")); got != http.StatusBadRequest {
		t.Errorf("too many runs: %d", got)
	}
}

func TestOtherSitesMayNotRead(t *testing.T) {
	s := newServer(t, t.TempDir(), Options{})
	r := request(http.MethodGet, "/api/runs", "localhost:6007")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	if got := codeOf(s, r); got != http.StatusForbidden {
		t.Errorf("a script of another site: %d", got)
	}
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	if got := codeOf(s, r); got != http.StatusOK {
		t.Errorf("a link on another site: %d", got)
	}
}

func TestToken(t *testing.T) {
	const token = "correct horse battery"
	s := newServer(t, t.TempDir(), Options{Addr: "0.0.0.0:6007", Token: token})
	with := func(path string, change func(*http.Request)) *httptest.ResponseRecorder {
		r := request(http.MethodGet, path, "10.0.0.7:6007")
		if change != nil {
			change(r)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w
	}
	for _, path := range []string{"/", "/main.js", "/api/runs", "/api/events", "/?token=wrong", "/?token="} {
		w := with(path, nil)
		if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), token) {
			t.Errorf("%s without the token: %d %s", path, w.Code, w.Body)
		}
	}
	w := with("/?token=correct+horse+battery&x=1", nil)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/?x=1" || len(cookies) != 1 {
		t.Fatalf("the first visit: %d to %q, %d cookies", w.Code, w.Header().Get("Location"), len(cookies))
	}
	if c := cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Name != "longtail-6007" {
		t.Errorf("cookie %v", c)
	}
	if w := with("/api/runs", func(r *http.Request) { r.AddCookie(cookies[0]) }); w.Code != http.StatusOK {
		t.Errorf("with the cookie: %d", w.Code)
	}
	if w := with("/api/runs", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }); w.Code != http.StatusOK {
		t.Errorf("with the header: %d", w.Code)
	}
	if w := with("/api/runs", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token+"x") }); w.Code != http.StatusUnauthorized {
		t.Errorf("with a longer one: %d", w.Code)
	}
	if a, b := NewToken(), NewToken(); a == b || len(a) < 20 {
		t.Errorf("tokens %q and %q", a, b)
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "localhost:1": true, "[::1]:1": true,
		"0.0.0.0:1": false, ":1": false, "[::]:1": false, "10.0.0.1:1": false, "localhost.evil:1": false, "": false,
	} {
		if got := Loopback(addr); got != want {
			t.Errorf("%q: %v", addr, got)
		}
	}
}
