package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// guard checks a request before anything else sees it.
type guard struct {
	next   http.Handler
	names  map[string]bool // names, in lower case, by which the server may be called
	any    bool            // any IP address is a valid name: the server listens beyond this machine
	token  string
	cookie string
}

// policy is the Content-Security-Policy: the page runs its own scripts and styles alone.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func newGuard(o Options, next http.Handler) *guard {
	host, port, err := net.SplitHostPort(o.Addr)
	if err != nil {
		host = o.Addr
	}
	g := &guard{next: next, names: map[string]bool{"localhost": true}, token: o.Token, cookie: "longtail-" + port}
	if host != "" {
		g.names[strings.ToLower(host)] = true
	}
	if !Loopback(o.Addr) {
		g.any = true
		if name, err := os.Hostname(); err == nil {
			name = strings.ToLower(name)
			short, _, _ := strings.Cut(name, ".")
			g.names[name], g.names[short] = true, true
		}
	}
	return g
}

// Loopback reports whether only this machine reaches an address HOST:PORT.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(answerTime)) // a recorder of tests has none
	if err := g.check(r); err != nil {
		if r.ContentLength != 0 {
			_ = control.SetReadDeadline(time.Now().Add(bodyTime)) // a rest of it is not waited for
		}
		h.Set("Connection", "close")
		if err.code == http.StatusMethodNotAllowed {
			h.Set("Allow", "GET, HEAD")
		}
		sendError(w, *err)
		return
	}
	if g.token != "" && r.URL.Query().Has("token") {
		g.welcome(w, r)
		return
	}
	g.next.ServeHTTP(w, r)
}

// check refuses what must not be answered.
func (g *guard) check(r *http.Request) *problem {
	switch {
	case !g.knows(r.Host):
		return &problem{http.StatusMisdirectedRequest, "This server does not answer to that host name. Open it by its address."}
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return &problem{http.StatusMethodNotAllowed, "This page only reads: use GET."}
	case r.ContentLength != 0:
		return &problem{http.StatusBadRequest, "A request here has no body."}
	case hasDots(r.URL.Path) || strings.ContainsAny(r.URL.Path, "\\\x00") || strings.Contains(r.URL.Path, "//"):
		return &problem{http.StatusBadRequest, "That is no address of this page."}
	case r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate":
		return &problem{http.StatusForbidden, "Other sites may not read this page."}
	case !g.admits(r):
		return &problem{http.StatusUnauthorized, "This page wants a token: open the address that longtail serve printed, which ends in ?token=..., or send the header Authorization: Bearer TOKEN."}
	}
	return nil
}

// knows reports whether a Host header names this server. Names that anyone may point at it, as in DNS rebinding, do not.
func (g *guard) knows(host string) bool {
	name, _, err := net.SplitHostPort(host) // any port: a tunnel has its own
	if err != nil {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	if ip := net.ParseIP(name); ip != nil {
		return ip.IsLoopback() || g.any || g.names[name]
	}
	return g.names[name]
}

// hasDots reports whether a part of a path is . or ..
func hasDots(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// admits reports whether a request has the token, in its cookie, its header or its address.
func (g *guard) admits(r *http.Request) bool {
	if g.token == "" {
		return true
	}
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && g.is(given) {
		return true
	}
	if c, err := r.Cookie(g.cookie); err == nil && g.is(c.Value) {
		return true
	}
	return g.is(r.URL.Query().Get("token"))
}

// is compares a token in constant time; the hashes hide its length.
func (g *guard) is(given string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(g.token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// welcome keeps the token of an address in a cookie, and leads to the address without it, so that it stays in no history.
func (g *guard) welcome(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: g.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	query := r.URL.Query()
	query.Del("token")
	to := r.URL.EscapedPath()
	if rest := query.Encode(); rest != "" {
		to += "?" + rest
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	fmt.Fprintln(w, "The token is accepted.")
}
