package serve

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"time"
)

//go:embed assets
var embedded embed.FS

// types are the kinds of files that the page is made of.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
}

// asset is a file of the page.
type asset struct {
	text      []byte
	kind, tag string
}

// assets serves the files of the page, each under its name, and index.html under "/".
func assets() http.Handler {
	files := map[string]asset{}
	entries, _ := embedded.ReadDir("assets") // embedded: it is there
	for _, e := range entries {
		text, err := embedded.ReadFile("assets/" + e.Name())
		kind := types[path.Ext(e.Name())]
		if err != nil || kind == "" {
			continue
		}
		sum := sha256.Sum256(text)
		files["/"+e.Name()] = asset{text, kind, `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	files["/"] = files["/index.html"]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		if !ok {
			http.Error(w, "There is no such address here.", http.StatusNotFound)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("ETag", f.tag)
		h.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.text))
	})
}
