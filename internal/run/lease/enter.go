package lease

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"longtail/internal/fail"
)

// drawn counts the tokens of this process.
var drawn atomic.Int64

// newToken is a token that no other holder has: it follows from the process and the moment.
func (s system) newToken() string {
	sum := sha256.Sum256(fmt.Append(nil, s.name, s.boot, s.spaces, s.pid, s.now().UnixNano(), drawn.Add(1)))
	return "t" + hex.EncodeToString(sum[:10])
}

// enter creates the lock, or succeeds its holder where that is dead. silent reports that it was judged by its silence.
func (l *Lease) enter(ctx context.Context) (silent bool, err error) {
	for {
		chain, err := l.chain()
		if err != nil {
			return false, err
		}
		if len(chain) == 0 {
			if created, err := l.create(l.path()); created || err != nil {
				return false, err
			}
			continue
		}
		holder := chain[len(chain)-1]
		silent := false
		if !l.isDead(holder.Record) {
			if silent, err = l.observe(ctx, holder); err != nil {
				return false, err
			}
			if !silent { // it was unlocked
				continue
			}
		}
		if done, err := l.succeed(holder); done || err != nil {
			return silent, err
		}
	}
}

// claim is the file by which a holder is succeeded.
func (l *Lease) claim(token string) string { return filepath.Join(l.dir, "."+File+"."+token) }

// mostClaims bounds a chain: each claim is a taker that was killed in the moment before it renamed it.
const mostClaims = 100

// chain is the lock and the claims that follow from it, one on the other: the last one holds the folder. It is empty where there is none.
func (l *Lease) chain() (all []*seen, err error) {
	for path := l.path(); ; path = l.claim(all[len(all)-1].Token) {
		s, err := look(path)
		if errors.Is(err, fs.ErrNotExist) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if all = append(all, s); len(all) > mostClaims {
			return nil, fail.Data("the claims on %s lead from one to another without an end\nif no process is at work there, remove %s and .%s.* in that folder", l.path(), File, File)
		}
	}
}

// isDead reports whether a holder is known to have ended: its process is gone, or it would have the flock that this process has.
func (l *Lease) isDead(r Record) bool {
	alive, known := l.alive(r)
	if known {
		return !alive
	}
	return l.sameKernel(r) && r.Flock && l.record.Flock
}

// observe watches a holder. It is ErrHeld as soon as that shows a heartbeat. silent is true after patience without one, in which the lock
// could be read at every glance: what a suspended watcher missed does not count. It is false where the folder was unlocked.
func (l *Lease) observe(ctx context.Context, holder *seen) (silent bool, err error) {
	for waited := time.Duration(0); waited < l.patience; {
		before := l.now()
		if err := l.sleep(ctx, l.glance); err != nil {
			return false, err
		}
		chain, err := l.chain()
		if err != nil {
			if errors.Is(err, fs.ErrPermission) || fail.Code(err) == fail.CodeData {
				return false, err
			}
			continue
		}
		if len(chain) == 0 {
			return false, nil
		}
		if now := chain[len(chain)-1]; now.raw != holder.raw {
			return false, held(now.Record)
		}
		waited += min(max(l.now().Sub(before), l.glance), 2*l.glance)
	}
	return true, nil
}

// succeed claims a dead holder's place. It is not done where another process was faster, or where the holder moved.
func (l *Lease) succeed(holder *seen) (done bool, err error) {
	claim := l.claim(holder.Token)
	if created, err := l.create(claim); !created {
		return false, err
	}
	chain, err := l.chain()
	n := len(chain)
	if err != nil || n < 2 || chain[n-1].Token != l.record.Token || chain[n-2].raw != holder.raw {
		return false, errors.Join(err, remove(claim))
	}
	if err := os.Rename(claim, l.path()); errors.Is(err, fs.ErrNotExist) { // another holder swept it
		return false, nil
	} else if err != nil {
		return false, errors.Join(err, remove(claim))
	}
	return true, nil
}

// remove is os.Remove of a file that another process may remove too.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// create makes a file with this process's record, unless it exists.
func (l *Lease) create(path string) (created bool, err error) {
	f, err := os.CreateTemp(l.dir, "."+File+".new*")
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", l.dir, err)
	}
	defer os.Remove(f.Name())
	_ = f.Chmod(0o644) // as disk.Write
	_, err = f.Write(l.record.encode())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, fmt.Errorf("locking %s: %w", l.dir, err)
	}
	err = l.link(f.Name(), path)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrExist):
		s, err := look(path) // a server's answer may be lost, and the question asked again
		return err == nil && s.Token == l.record.Token, nil
	case errors.Is(err, fs.ErrNotExist): // another process swept
		return false, nil
	}
	return l.createAlone(path)
}

// createAlone is create for file systems without links. For a moment the file is empty, which others take for a holder that is not known.
func (l *Lease) createAlone(path string) (created bool, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", l.dir, err)
	}
	_, err = f.Write(l.record.encode())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, errors.Join(fmt.Errorf("locking %s: %w", l.dir, err), os.Remove(path))
	}
	return true, nil
}

// sweep removes what takers that were killed or too late left behind. A claim on this lock is none of that.
func (l *Lease) sweep() {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return // it only makes room
	}
	for _, e := range entries {
		if path := filepath.Join(l.dir, e.Name()); Owns(e.Name()) && e.Name() != File && path != l.claim(l.record.Token) {
			_ = os.Remove(path)
		}
	}
}

// Owns reports whether a name in a locked folder is a file of this package.
func Owns(name string) bool { return name == File || strings.HasPrefix(name, "."+File+".") }
