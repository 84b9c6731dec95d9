package status

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"longtail/internal/disk"
)

// cacheVersion changes with the meaning of what is kept.
const cacheVersion = 1

// maxCacheBytes bounds a cache that is read: ten thousand runs have some MB.
const maxCacheBytes = 256 << 20

// stamp tells versions of a file apart.
type stamp struct {
	Size int64 `json:"size"`
	Time int64 `json:"time"` // of the last change, in nanoseconds
}

func stampOf(info os.FileInfo) stamp { return stamp{info.Size(), info.ModTime().UnixNano()} }

// kept is what is known of a run as long as a file is what it was.
type kept struct {
	Config  stamp `json:"config,omitzero"` // of config.yaml, which Facts are of
	Facts   facts `json:"facts,omitzero"`
	Summary stamp `json:"summary,omitzero"` // of summary.json
	Row     *Row  `json:"row,omitempty"`    // of a finished run, without Folder; nil of others
}

// cache is what is known of the runs of a folder, by their names.
type cache struct {
	path    string          // empty: it is kept in memory only
	Version int             `json:"version"`
	Folder  string          `json:"folder"` // absolute
	Runs    map[string]kept `json:"runs"`
}

// openCache reads the cache of a folder from the user's cache folder. One that is absent, damaged or another folder's is empty.
func openCache(dir, folder string) *cache {
	c := &cache{Version: cacheVersion, Folder: folder, Runs: map[string]kept{}}
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return c
		}
		dir = filepath.Join(user, "longtail", "status")
	}
	sum := sha256.Sum256([]byte(folder))
	c.path = filepath.Join(dir, hex.EncodeToString(sum[:16])+".json")
	text, err := disk.Read(c.path, maxCacheBytes)
	if err != nil {
		return c
	}
	read := &cache{}
	if json.Unmarshal(text, read) == nil && read.Version == cacheVersion && read.Folder == folder && read.Runs != nil {
		c.Runs = read.Runs
	}
	return c
}

// write keeps the cache for the next process, if it can: a cache that cannot be written costs time only.
func (c *cache) write() {
	if c.path == "" {
		return
	}
	text, err := json.Marshal(c)
	if err != nil || os.MkdirAll(filepath.Dir(c.path), 0o700) != nil {
		return
	}
	_ = disk.Write(c.path, text)
}
