package serve

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longtail/eval/evaltest"
	"longtail/eval/status"
)

// hostile are names of folders that a page could take for markup.
var hostile = []string{
	`<script>window.hacked=1<`,
	`"><img src=x onerror=window.hacked=1> '`,
	strings.Repeat("n", 250),
}

// folder makes a folder of runs: two seeds of one setting and one of another, finished; one not; a failed one; and hostile names.
func folder(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, "softmax-0", evaltest.Spec{Epochs: 4})
	write(t, root, "softmax-1", evaltest.Spec{Epochs: 4, Seed: 1, Error: 31})
	write(t, root, "focal", evaltest.Spec{Epochs: 4, Loss: "focal", Gamma: 1, Beta: 0.9999, Error: 25})
	for i, name := range append([]string{"begun", "failed"}, hostile...) {
		dir := write(t, root, name, evaltest.Spec{Epochs: 6, Seed: uint64(10 + i)})
		if err := os.Remove(filepath.Join(dir, "summary.json")); err != nil {
			t.Fatal(err)
		}
		if name == "failed" {
			text := `{"time":"2026-01-01T00:00:00Z","host":"far","code":5,"error":"the loss is not finite\nlower train.lr"}`
			if err := os.WriteFile(filepath.Join(dir, "failure.json"), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func write(t *testing.T, root, name string, s evaltest.Spec) string {
	t.Helper()
	dir, err := evaltest.Write(root, s)
	if err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(root, name)
	if err := os.Rename(dir, place); err != nil {
		t.Fatal(err)
	}
	return place
}

func newServer(t *testing.T, root string, o Options) *Server {
	t.Helper()
	o.Folder, o.Status = root, status.Options{CacheDir: t.TempDir()}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:6007"
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// get asks a server without a network.
func get(t *testing.T, s *Server, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:6007"
	s.Handler().ServeHTTP(w, r)
	return w
}

// ask decodes an answer.
func ask[T any](t *testing.T, s *Server, path string) (value T) {
	t.Helper()
	w := get(t, s, path)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return value
}

// deltaJSON is what a client reads of a delta.
type deltaJSON struct {
	Version string
	Full    bool
	Head    struct {
		Folder string
		Totals status.Totals
	}
	Rows []struct {
		ID string
		status.Row
	}
	Gone []string
}

// idsOf is a query that names runs.
func idsOf(names ...string) string {
	q := url.Values{}
	for _, n := range names {
		q.Add("id", idOf(n))
	}
	return q.Encode()
}

func TestRunsAreListed(t *testing.T) {
	root := folder(t)
	s := newServer(t, root, Options{})
	d := ask[deltaJSON](t, s, "/api/runs")
	states := map[string]status.State{}
	for _, r := range d.Rows {
		states[r.Name] = r.State
		if r.ID != idOf(r.Name) {
			t.Errorf("%s has the ID %s", r.Name, r.ID)
		}
	}
	if !d.Full || len(d.Rows) != 8 || d.Head.Totals.Runs != 8 || d.Head.Folder != root {
		t.Errorf("%d rows, head %v", len(d.Rows), d.Head)
	}
	for name, want := range map[string]status.State{"softmax-0": status.Done, "failed": status.Failed, "begun": status.Interrupted, hostile[0]: status.Interrupted} {
		if states[name] != want {
			t.Errorf("%s is %q, want %s", name, states[name], want)
		}
	}
	if again := ask[deltaJSON](t, s, "/api/runs?since="+d.Version); len(again.Rows) != 0 || again.Full {
		t.Errorf("nothing changed, and %d rows come", len(again.Rows))
	}
	if stranger := ask[deltaJSON](t, s, "/api/runs?since=OTHER-3"); !stranger.Full || len(stranger.Rows) != 8 {
		t.Error("a version of another process does not get everything")
	}
}

func TestCurves(t *testing.T) {
	s := newServer(t, folder(t), Options{})
	c := ask[curves](t, s, "/api/curves?metric=test/error&"+idsOf("softmax-0", "begun"))
	if len(c.Series) != 2 || len(c.Series[0].Value) != 4 || len(c.Series[1].Value) != 6 || c.Series[1].Step[5] != 97*6 {
		t.Errorf("series %+v", c.Series)
	}
	if len(c.Metrics) < 7 || c.Metrics[0] != "learning_rate" {
		t.Errorf("metrics %q", c.Metrics)
	}
	if c := ask[curves](t, s, "/api/curves?metric=no/such&"+idsOf("focal")); len(c.Series) != 1 || len(c.Series[0].Value) != 0 {
		t.Errorf("a metric that does not exist gives %+v", c.Series)
	}
}

func TestOneRun(t *testing.T) {
	s := newServer(t, folder(t), Options{})
	d := ask[detail](t, s, "/api/run?"+idsOf("focal"))
	if len(d.Confusion) != 10 || d.Classes == nil || d.Classes.Set != "test" || len(d.Classes.Order) != 10 || d.Table == nil || !strings.Contains(d.Config, "focal") {
		t.Errorf("finished: %+v", d)
	}
	if want := "longtail train " + filepath.Join(s.options.Folder, "focal", "config.yaml"); d.Command != want {
		t.Errorf("command %q, want %q", d.Command, want)
	}
	d = ask[detail](t, s, "/api/run?"+idsOf("failed"))
	if !strings.Contains(d.Log, "not finite\nlower train.lr") || d.Confusion != nil || d.Config == "" {
		t.Errorf("failed: %+v", d)
	}
}

func TestCompare(t *testing.T) {
	s := newServer(t, folder(t), Options{})
	c := ask[comparison](t, s, "/api/compare?"+idsOf("softmax-0", "softmax-1", "focal"))
	if len(c.Groups) != 2 || len(c.Groups[0].IDs) != 2 || len(c.Tables) != 2 || c.Unfinished != 0 {
		t.Errorf("%+v", c)
	}
	keys := map[string][]string{}
	for _, d := range c.Differences {
		keys[d.Key] = d.Values
	}
	if got := keys["seed"]; len(got) != 3 || got[1] != "1" {
		t.Errorf("seeds %q", got)
	}
	if got := keys["loss.name"]; len(got) != 3 || got[2] != "focal" || keys["data.dataset"] != nil {
		t.Errorf("differences %v", keys)
	}
	if c.Classes == nil || len(c.Classes.Lines) != 2 || c.Classes.Lines[0].Runs != 2 || len(c.Classes.Lines[0].Deviation) != 10 {
		t.Errorf("classes %+v", c.Classes)
	}
	if first := c.Tables[0].Rows[0]; first[0] != "softmax" || !strings.Contains(strings.Join(first, " "), "±") {
		t.Errorf("first line %q", first)
	}
	if c := ask[comparison](t, s, "/api/compare?"+idsOf("softmax-0", "begun")); c.Unfinished != 1 || len(c.Groups) != 2 {
		t.Errorf("with an unfinished one: %+v", c)
	}
}

func TestThePapersTableFills(t *testing.T) {
	root := folder(t)
	s := newServer(t, root, Options{Every: time.Millisecond})
	before := ask[published](t, s, "/api/table")
	if before.Name != "table2" || before.Cells-before.Gaps != 1 || len(before.Commands) != before.Gaps || !strings.Contains(before.Commands[0].Command, "longtail train ") {
		t.Errorf("%d of %d cells, %d commands", before.Cells-before.Gaps, before.Cells, len(before.Commands))
	}
	write(t, root, "another", evaltest.Spec{Imbalance: 50, Error: 25, Epochs: 4})
	time.Sleep(5 * time.Millisecond)
	if after := ask[published](t, s, "/api/table"); after.Gaps != before.Gaps-1 {
		t.Errorf("a finished run leaves %d gaps, there were %d", after.Gaps, before.Gaps)
	}
	if w := get(t, s, "/api/table?name=table9"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown table: %d", w.Code)
	}
}

func TestDownloads(t *testing.T) {
	s := newServer(t, folder(t), Options{})
	get(t, s, "/api/runs")
	for path, want := range map[string]string{"/report.html": "&lt;script&gt;window.hacked=1&lt;", "/metrics.csv": "run,epoch,step,learning_rate"} {
		names := []string{"focal"}
		if path == "/report.html" {
			dir := write(t, s.options.Folder, "done "+hostile[0], evaltest.Spec{Epochs: 3, Seed: 5})
			names = append(names, filepath.Base(dir))
			time.Sleep(600 * time.Millisecond) // until a new name makes the folder be read again
		}
		w := get(t, s, path+"?"+idsOf(names...))
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("%s: %d, %.200s", path, w.Code, w.Body)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment; ") {
			t.Errorf("%s is shown as a page of this server", path)
		}
	}
}

func TestNamesAreTextEverywhere(t *testing.T) {
	s := newServer(t, folder(t), Options{})
	paths := []string{"/", "/main.js", "/api/runs", "/nowhere/" + url.PathEscape(hostile[0]), "/api/run?id=" + url.QueryEscape(hostile[0])}
	for _, name := range hostile {
		paths = append(paths, "/api/run?"+idsOf(name), "/api/curves?"+idsOf(name), "/api/compare?"+idsOf(name, "begun"))
	}
	for _, path := range paths {
		w := get(t, s, path)
		for _, bad := range []string{"<script>window", "<img"} {
			if strings.Contains(w.Body.String(), bad) {
				t.Errorf("%s has %s: %.200s", path, bad, w.Body)
			}
		}
		if kind := w.Header().Get("Content-Type"); strings.HasPrefix(path, "/api/") && w.Code == 200 && kind != "application/json" {
			t.Errorf("%s is %s", path, kind)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Security-Policy") != policy {
			t.Errorf("%s lacks a header", path)
		}
	}
	if d := ask[detail](t, s, "/api/run?"+idsOf(hostile[1])); d.Name != hostile[1] {
		t.Errorf("the name comes as %q", d.Name)
	}
}

func TestNothingIsWritten(t *testing.T) {
	root := folder(t)
	before := tree(t, root)
	s := newServer(t, root, Options{})
	for _, path := range []string{"/api/runs", "/api/table", "/api/compare?" + idsOf("focal", "softmax-0"), "/api/run?" + idsOf("failed"), "/report.html?" + idsOf("focal"), "/metrics.csv?" + idsOf("begun")} {
		get(t, s, path)
	}
	if after := tree(t, root); after != before {
		t.Errorf("the folder was\n%s\nand is\n%s", before, after)
	}
}

// tree lists files with their sizes and times.
func tree(t *testing.T, root string) string {
	var b strings.Builder
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			b.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLinksThatLeadOutAreNotShown(t *testing.T) {
	root := folder(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("password: hunter2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(root, "begun", "config.yaml")
	if err := os.Remove(config); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, config); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, root, Options{})
	for _, path := range []string{"/api/runs", "/api/run?" + idsOf("begun"), "/api/curves?" + idsOf("begun"), "/api/compare?" + idsOf("begun")} {
		if body := get(t, s, path).Body.String(); strings.Contains(body, "hunter2") || strings.Contains(body, "password") {
			t.Errorf("%s shows it: %.300s", path, body)
		}
	}
	if w := get(t, s, "/api/run?"+idsOf("begun")); w.Code != http.StatusForbidden {
		t.Errorf("code %d", w.Code)
	}
}

func TestLogsOfJobs(t *testing.T) {
	root, err := filepath.EvalSymlinks(folder(t))
	if err != nil {
		t.Fatal(err)
	}
	logs := filepath.Join(root, "slurm")
	if err := os.Mkdir(logs, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"7_1.log": "out of memory\n", "8.log": strings.Repeat("a line\n", longestLog)} {
		if err := os.WriteFile(filepath.Join(logs, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(logs, "9.log")); err != nil {
		t.Fatal(err)
	}
	of := func(job string) string {
		return jobLog(root, "slurm", status.Row{Folder: filepath.Join(root, "begun"), Job: job})
	}
	if got := of("7_1"); got != "out of memory\n" {
		t.Errorf("log %q", got)
	}
	if got := of("8"); len(got) > longestLog+4 || !strings.HasPrefix(got, "...\na line\n") {
		t.Errorf("of a long log come %d bytes", len(got))
	}
	for _, job := range []string{"", "6", "9", "../slurm/7_1", "7_1.log"} {
		if got := of(job); got != "" {
			t.Errorf("job %q has the log %q", job, got)
		}
	}
}

func TestLibraryIsWhatItsNoteSays(t *testing.T) {
	note, err := embedded.ReadFile("assets/uplot.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"uplot.js", "uplot.css"} {
		text, err := embedded.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if want := sha256Text(text) + "  " + name; !strings.Contains(string(note), want) {
			t.Errorf("uplot.md lacks %s", want)
		}
	}
}

// TestPageNeedsNoNetwork looks for addresses of other machines, and for what the policy forbids.
func TestPageNeedsNoNetwork(t *testing.T) {
	s := newServer(t, t.TempDir(), Options{})
	entries, err := embedded.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		w := get(t, s, "/"+e.Name())
		if types[filepath.Ext(e.Name())] == "" {
			if w.Code != http.StatusNotFound {
				t.Errorf("%s is served", e.Name())
			}
			continue
		}
		body, _ := io.ReadAll(w.Body)
		for _, bad := range []string{"https://", "innerHTML", "eval(", "style=", "onclick=", "<script>"} {
			if strings.Contains(string(body), bad) && e.Name() != "uplot.js" {
				t.Errorf("%s has %s", e.Name(), bad)
			}
		}
	}
}
