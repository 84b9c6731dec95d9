package cifar

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// pause says how patient a download is.
type pause struct {
	tries int           // connections in a row that brought nothing before it gives up
	wait  time.Duration // before the second try; doubled before each further one
	stall time.Duration // a connection that brings no byte for so long is given up
}

// patient is for servers on the internet: seven seconds of waiting in all.
func patient() pause { return pause{tries: 4, wait: time.Second, stall: 30 * time.Second} }

// maxRestarts is how often a download begins anew because the server does not send the rest of a file.
const maxRestarts = 3

func (d *download) url() string { return strings.TrimRight(d.base, "/") + "/" + d.name }

// shown is the archive's address for messages, without a password.
func (d *download) shown() string {
	u, err := url.Parse(d.url())
	if err != nil {
		return "the address in $" + MirrorVariable
	}
	return u.Redacted()
}

// permanent is an error that asking again cannot mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// get appends to part until the server has nothing more. A broken connection is taken up again where it broke.
func (d *download) get(ctx context.Context, part *os.File) error {
	wait := d.patience.wait
	for try := 1; ; {
		before, err := part.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		again, err := d.getRest(ctx, part, before)
		if err == nil || !again || ctx.Err() != nil || errors.As(err, new(permanent)) {
			return err
		}
		if after, seekErr := part.Seek(0, io.SeekEnd); seekErr == nil && after > before {
			try, wait = 1, d.patience.wait // it brought something, so it is worth trying on
			continue
		}
		if try++; try > d.patience.tries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait *= 2
	}
}

// hopeless reports whether a request failed in a way that the next one would repeat: there is no such host, its certificate is not
// trusted, or it is a kind of address that is not asked by HTTP.
func hopeless(err error) bool {
	var name *net.DNSError
	var wrapped *url.Error
	return errors.As(err, &name) && name.IsNotFound || errors.As(err, new(*tls.CertificateVerificationError)) ||
		errors.As(err, &wrapped) && strings.Contains(wrapped.Err.Error(), "unsupported protocol scheme")
}

// getRest asks once for the bytes from position from on. again reports whether asking again may help.
func (d *download) getRest(ctx context.Context, part *os.File, from int64) (again bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(d.patience.stall, func() {
		cancel(fmt.Errorf("%s: no byte in %v", d.shown(), d.patience.stall))
	})
	defer watchdog.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url(), nil)
	if err != nil {
		return false, fmt.Errorf("%s is not an address that can be asked", d.shown()) // err has the address as it is
	}
	if from > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return !hopeless(err), causeOr(ctx, err)
	}
	defer response.Body.Close()
	total, done, err := d.begin(response, part, from)
	if err != nil || done {
		return response.StatusCode >= 500, err
	}
	return true, causeOr(ctx, d.receive(response.Body, part, total, func() { watchdog.Reset(d.patience.stall) }))
}

// begin looks at a response to a request from position from on, and sets part to where its body belongs. done reports that there is
// no body because part is whole already. What was downloaded before is given up only for a body of the archive's size.
func (d *download) begin(response *http.Response, part *os.File, from int64) (total int64, done bool, err error) {
	switch response.StatusCode {
	case http.StatusOK: // from the start, whatever was asked
		if from > 0 {
			if response.ContentLength != d.size {
				return 0, false, permanent{fmt.Errorf("%s: the answer has %d bytes, the archive %d; %s is left as it is", d.shown(), response.ContentLength, d.size, part.Name())}
			}
			if d.restarts++; d.restarts > maxRestarts {
				return 0, false, permanent{fmt.Errorf("%s: the server begins anew each time instead of sending the rest", d.shown())}
			}
		}
		if err := part.Truncate(0); err != nil {
			return 0, false, err
		}
		_, err := part.Seek(0, io.SeekStart)
		return response.ContentLength, false, err
	case http.StatusPartialContent:
		first, total, ok := contentRange(response.Header.Get("Content-Range"))
		if !ok || first != from {
			return 0, false, fmt.Errorf("%s: asked for the bytes from %d on, the answer is for %q", d.shown(), from, response.Header.Get("Content-Range"))
		}
		return total, false, nil
	case http.StatusRequestedRangeNotSatisfiable:
		if from > 0 {
			return from, true, nil
		}
	}
	return 0, false, fmt.Errorf("%s: the server says %s", d.shown(), response.Status)
}

// contentRange reads a header such as "bytes 100-199/200".
func contentRange(header string) (first, total int64, ok bool) {
	rest, ok := strings.CutPrefix(header, "bytes ")
	span, size, ok2 := strings.Cut(rest, "/")
	start, _, ok3 := strings.Cut(span, "-")
	first, err := strconv.ParseInt(start, 10, 64)
	total, err2 := strconv.ParseInt(size, 10, 64)
	return first, total, ok && ok2 && ok3 && err == nil && err2 == nil && first >= 0 && first < total
}

// receive copies the body to part and reports on it; alive is called for whatever arrives. A server that does not tell the
// size has total -1; the archive's published size then serves for the report.
func (d *download) receive(body io.Reader, part *os.File, total int64, alive func()) error {
	done, err := part.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if total < 0 {
		total = d.size
	}
	buffer := make([]byte, 256<<10)
	for {
		n, readErr := body.Read(buffer)
		if n > 0 {
			alive()
			if done += int64(n); done > d.size {
				return permanent{fmt.Errorf("%s: more than the %d bytes of the archive arrive", d.shown(), d.size)}
			}
			if _, err := part.Write(buffer[:n]); err != nil {
				return permanent{err}
			}
			if d.progress != nil {
				d.progress(done, total)
			}
		}
		if readErr == io.EOF {
			return part.Sync()
		}
		if readErr != nil {
			return readErr
		}
	}
}

// causeOr is why ctx was cancelled, or err where it was not.
func causeOr(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
