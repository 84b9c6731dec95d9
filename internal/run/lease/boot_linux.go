package lease

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// bootID identifies the running kernel; empty where it is not known.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// startOf reads when a process began from /proc: field 22 of its stat, in ticks since the start of the machine. It is empty where the
// process may not be looked at, and os.ErrNotExist where there is none or it has ended and was not waited for.
func startOf(pid int) (string, error) {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return "", os.ErrNotExist
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", nil
	}
	_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	fields := strings.Fields(rest) // from field 3, the state
	if len(fields) < 20 {
		return "", errors.New("not the stat of a process")
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return "", os.ErrNotExist
	}
	return fields[19], nil
}
