package cifar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"longtail/data"
	"longtail/internal/disk"
	"longtail/internal/fail"
)

// serve answers with the archive; cut limits how many bytes of it each of the first answers brings before it breaks off.
func serve(t *testing.T, packed []byte, cut ...int) (base string, ranges *[]string) {
	t.Helper()
	ranges = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*ranges = append(*ranges, r.Header.Get("Range"))
		if i := len(*ranges) - 1; i < len(cut) {
			w.Header().Set("Content-Length", "1000000")
			w.Write(packed[:cut[i]])
			return
		}
		http.ServeContent(w, r, "small.tar.gz", time.Time{}, bytes.NewReader(packed))
	}))
	t.Cleanup(server.Close)
	return server.URL, ranges
}

func newDownload(s *small, dir, base string) *download {
	return &download{
		archive: s.source.archive, dir: dir, base: base,
		patience: pause{tries: 2, wait: time.Millisecond, stall: 5 * time.Second},
	}
}

// checkInstalled says that the files are all there and that nothing else is.
func checkInstalled(t *testing.T, s *small, dir string, others ...string) {
	t.Helper()
	for name, raw := range s.contents {
		got, err := os.ReadFile(filepath.Join(dir, "small", name))
		if err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%s: wrong contents or error %v", name, err)
		}
	}
	for folder, want := range map[string]int{dir: 1 + len(others), filepath.Join(dir, "small"): len(s.contents)} {
		if left, err := os.ReadDir(folder); err != nil || len(left) != want {
			t.Errorf("%v in %s, error %v, want %d names", left, folder, err, want)
		}
	}
}

func TestFetchDownloadsAndInstalls(t *testing.T) {
	s, dir := newSmall(t, 1, 0), filepath.Join(t.TempDir(), "new")
	base, ranges := serve(t, s.packed)
	d := newDownload(s, dir, base)
	var last, all int64
	d.progress = func(done, total int64) { last, all = done, total }
	if err := d.fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkInstalled(t, s, dir)
	if last != int64(len(s.packed)) || all != last {
		t.Errorf("progress ended at %d of %d, want %d", last, all, len(s.packed))
	}
	if err := d.fetch(t.Context()); err != nil || len(*ranges) != 1 {
		t.Errorf("files that are right were asked for again: %d requests, error %v", len(*ranges), err)
	}
}

func TestFetchRepairsOnlyByWholeFiles(t *testing.T) {
	s := newSmall(t, 1, 0)
	dir := s.lay(t)
	write(t, filepath.Join(dir, "small", "two.bin"), []byte("short"))
	base, _ := serve(t, s.packed)
	if err := newDownload(s, dir, base).fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkInstalled(t, s, dir)
}

func TestFetchResumesAfterABrokenConnection(t *testing.T) {
	s, dir := newSmall(t, 1, 0), t.TempDir()
	base, ranges := serve(t, s.packed, 1000)
	if err := newDownload(s, dir, base).fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkInstalled(t, s, dir)
	if want := " bytes=1000-"; strings.Join(*ranges, " ") != want {
		t.Errorf("asked for %q, want %q", *ranges, want)
	}
}

func TestFetchResumesWithAnEarlierPart(t *testing.T) {
	s := newSmall(t, 1, 0)
	for _, c := range []struct {
		name string
		part []byte
		want string // ranges asked for
	}{
		{"half", s.packed[:5000], "bytes=5000-"},
		{"whole", s.packed, fmt.Sprintf("bytes=%d-", len(s.packed))},
		{"wrong", []byte("something else"), "bytes=14- "}, // the sum is wrong, so it starts again
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "small.tar.gz.part"), c.part)
		base, ranges := serve(t, s.packed)
		if err := newDownload(s, dir, base).fetch(t.Context()); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		checkInstalled(t, s, dir)
		if got := strings.Join(*ranges, " "); got != c.want {
			t.Errorf("%s: asked for %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFetchUsesAnArchiveThatLiesThere(t *testing.T) {
	s, dir := newSmall(t, 1, 0), t.TempDir()
	write(t, filepath.Join(dir, "small.tar.gz"), s.packed)
	if err := newDownload(s, dir, "http://unreachable.invalid").fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkInstalled(t, s, dir, "small.tar.gz")
}

// What is no file is not waited for, in the place of the archive or of what an earlier download left.
func TestPipesInPlaceOfAnArchiveAreErrors(t *testing.T) {
	for name, read := range map[string]func(s *small, dir, base string) error{
		"small.tar.gz": func(s *small, dir, _ string) error {
			_, err := s.source.readArchive(t.Context(), filepath.Join(dir, "small.tar.gz"), s.source.files())
			return err
		},
		"small.tar.gz.part": func(s *small, dir, base string) error { return newDownload(s, dir, base).fetch(t.Context()) },
	} {
		s, dir := newSmall(t, 1, 0), t.TempDir()
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Skip(err)
		}
		base, _ := serve(t, s.packed)
		if err := read(s, dir, base); !errors.Is(err, disk.ErrNotAFile) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFetchRefusesWhatFailsItsChecksum(t *testing.T) {
	s, dir := newSmall(t, 1, 0), t.TempDir()
	wrong := bytes.Clone(s.packed)
	wrong[len(wrong)/2] ^= 1
	base, ranges := serve(t, wrong)
	err := newDownload(s, dir, base).fetch(t.Context())
	if err == nil || !strings.Contains(err.Error(), "MD5") || !strings.Contains(err.Error(), s.source.md5+" expected") {
		t.Errorf("error %v, want one with the checksums", err)
	}
	if len(*ranges) != 1 {
		t.Errorf("%d requests, want 1", len(*ranges))
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "small")); len(left) != 0 {
		t.Errorf("files from a wrong archive: %v", left)
	}
}

func TestFetchGivesUpWithTheServersAnswer(t *testing.T) {
	var requests atomic.Int32
	for status, tries := range map[int]int32{http.StatusNotFound: 1, http.StatusServiceUnavailable: 2} {
		requests.Store(0)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			w.WriteHeader(status)
		}))
		err := newDownload(newSmall(t, 1, 0), t.TempDir(), server.URL).fetch(t.Context())
		server.Close()
		if err == nil || !strings.Contains(err.Error(), http.StatusText(status)) || requests.Load() != tries {
			t.Errorf("status %d: %d requests, error %v", status, requests.Load(), err)
		}
	}
}

func TestFetchGivesUpAStalledConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	d := newDownload(newSmall(t, 1, 0), t.TempDir(), server.URL)
	d.patience = pause{tries: 1, stall: 20 * time.Millisecond}
	if err := d.fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "no byte in 20ms") {
		t.Errorf("error %v", err)
	}
}

func TestTwoFetchesDoNotShareAPart(t *testing.T) {
	s, dir := newSmall(t, 1, 0), t.TempDir()
	part, err := os.Create(filepath.Join(dir, "small.tar.gz.part"))
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	if err := disk.Lock(part); err != nil {
		t.Fatal(err)
	}
	base, ranges := serve(t, s.packed)
	if err := newDownload(s, dir, base).fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "in use by another fetch") || len(*ranges) != 0 {
		t.Errorf("error %v after %d requests", err, len(*ranges))
	}
}

func TestHopelessRequestsAreMadeOnce(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler()) // with a certificate that no system trusts
	defer server.Close()
	for _, base := range []string{"ftp://127.0.0.1", server.URL} {
		d := newDownload(newSmall(t, 1, 0), t.TempDir(), base)
		d.patience.wait = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := d.fetch(ctx)
		cancel()
		if err == nil || ctx.Err() == context.DeadlineExceeded {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestFetchSaysWhatToDoOffline(t *testing.T) {
	dir := t.TempDir()
	err := newDownload(newSmall(t, 1, 0), dir, "http://127.0.0.1:1/").explained(t.Context(), "cifar10")
	if fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), "http://127.0.0.1:1/small.tar.gz") || !strings.Contains(err.Error(), "put it into "+dir) {
		t.Errorf("error %v", err)
	}
}

func TestFetchEndsByItsKind(t *testing.T) {
	t.Setenv(MirrorVariable, "http://127.0.0.1:1/")
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	set, err := data.Lookup("cifar10")
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Fetch(ctx, dir, nil); fail.Code(err) != fail.CodeInterrupted {
		t.Errorf("error %v after an interrupt", err)
	}
}

func TestVerifyReportsEveryFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "cifar-10-batches-bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cifar-10-batches-bin", "data_batch_2.bin"), []byte("short"))
	set, err := data.Lookup("cifar10")
	if err != nil {
		t.Fatal(err)
	}
	reports, err := set.Verify(dir)
	if err != nil || len(reports) != 6 {
		t.Fatalf("%d reports, error %v", len(reports), err)
	}
	for i, r := range reports {
		want := data.FileMissing
		if i == 1 {
			want = data.FileDamaged
		}
		if r.State != want || r.Err == nil {
			t.Errorf("%+v, want %s and a reason", r, want)
		}
	}
}

// answers serves one function for every request and counts them.
func answers(t *testing.T, f http.HandlerFunc) (base string, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		f(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

// A server that answers with a page instead of the rest does not cost what was downloaded.
func TestPageInPlaceOfTheRestLosesNothing(t *testing.T) {
	s, dir := newSmall(t, 1, 0), t.TempDir()
	part := filepath.Join(dir, "small.tar.gz.part")
	write(t, part, s.packed[:2000])
	for _, length := range []string{"5", ""} {
		base, requests := answers(t, func(w http.ResponseWriter, _ *http.Request) {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			w.Write([]byte("<p>no"))
		})
		err := newDownload(s, dir, base).fetch(t.Context())
		if err == nil || !strings.Contains(err.Error(), part) || requests.Load() != 1 {
			t.Errorf("%d requests, error %v", requests.Load(), err)
		}
		if left, _ := os.ReadFile(part); !bytes.Equal(left, s.packed[:2000]) {
			t.Errorf("%d bytes are left of 2000", len(left))
		}
	}
}

// A server that ignores ranges and breaks off is asked a few times, not for ever.
func TestServerThatBeginsAnewIsGivenUp(t *testing.T) {
	s, dir := newSmall(t, 1, 0), t.TempDir()
	count := 0
	base, requests := answers(t, func(w http.ResponseWriter, _ *http.Request) {
		count++
		w.Header().Set("Content-Length", fmt.Sprint(len(s.packed)))
		w.Write(s.packed[:len(s.packed)/2+100*count]) // a little further each time
	})
	err := newDownload(s, dir, base).fetch(t.Context())
	if err == nil || !strings.Contains(err.Error(), "begins anew") || requests.Load() > 10 {
		t.Errorf("%d requests, error %v", requests.Load(), err)
	}
}

// An endless body is cut at the archive's size.
func TestEndlessBodyIsCut(t *testing.T) {
	s, dir := newSmall(t, 1, 0), t.TempDir()
	base, _ := answers(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	err := newDownload(s, dir, base).fetch(t.Context())
	if err == nil || !strings.Contains(err.Error(), "more than the") {
		t.Errorf("error %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "small.tar.gz.part")); err != nil || info.Size() > s.source.size {
		t.Errorf("%v, %v: more than the archive was written", info, err)
	}
}

// A password in the address is in no message.
func TestPasswordsAreNotShown(t *testing.T) {
	for _, base := range []string{"http://user:secret@127.0.0.1:1/", "http://user:secret@[bad/", "ftp://user:secret@host/"} {
		err := newDownload(newSmall(t, 1, 0), t.TempDir(), base).explained(t.Context(), "cifar10")
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", base, err)
		}
	}
}
