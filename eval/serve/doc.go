// Package serve is a live page about a folder of runs, for a browser on this machine or, behind a token, on another one.
//
//	s, err := serve.New(serve.Options{Folder: "runs", Addr: "127.0.0.1:6007"})
//	err = s.Serve(ctx, listener)
//
// It only reads. Every request passes the [guard]: the method, the Host header, the token and the path are checked before anything is
// looked up, and runs are named by IDs that only a reading of the folder hands out, so that no request holds a path. What the page shows
// of runs comes from files of others: it reaches the browser as JSON and is put on the page as text.
//
// One poller reads the folder for all clients, only while there are some. A client that listens to events is told which rows changed since
// the version that it has; nothing is queued for it, so that a slow one costs nothing.
package serve
