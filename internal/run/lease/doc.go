// Package lease locks folders that several machines may share, whatever their file system.
//
//	l, err := lease.Acquire(ctx, dir) // ErrHeld where another process has it
//	defer l.Release()
//	...
//	if err := l.Check(); err != nil { // before each write: ErrLost where another process took it over
//
// The lock is the file lock.json in the folder: who holds it, and a count that the holder raises every two seconds. Processes of one machine
// also use flock, where the file system has it, and look whether the holder's process lives, so that what a killed process leaves is taken
// over at once. That of another machine is taken over once its bytes did not change in 20 seconds of being looked at. No clock is compared
// with another one, neither of two machines, which may differ by hours, nor of a file server, whose times of files a client may set:
// whoever waits measures its own waiting, and counts only the time in which the file could be read.
//
// # Protocol
//
// Every holder draws a token. A free folder is locked by creating lock.json with link(2), which fails where it exists. To succeed a holder
// with the token T, a process creates the claim ".lock.json.T" in the same way: of several takers one succeeds. It then reads lock.json again
// and withdraws where that changed, else renames the claim to lock.json, and waits for one more heartbeat before it writes anything else. As
// tokens never come twice, a taker that was delayed claims a token that is no longer in lock.json, sees that, and withdraws.
//
// A holder writes its heartbeat into the file that it opened and found its own token in, never into one that was renamed into its place,
// and after it looks for a claim and at lock.json once more. Of a holder that wakes up and a taker, one at least sees the other. A holder that finds another token, a
// claim or no file has lost the lock: it writes nothing more. What remains is a process that is suspended between its check and the write
// that follows; it is why a taker waits, and why runs are written by whole files that are renamed.
package lease
