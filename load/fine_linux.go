package load

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// fineTimer waits on a timer of the kernel through the network poller, which wakes within some tens of
// microseconds where the runtime's own timers round up to a millisecond, and holds no processor meanwhile.
type fineTimer struct{ file *os.File }

func newFineTimer() fineTimer {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return fineTimer{} // out of descriptors: the runtime's timers are good enough
	}
	return fineTimer{os.NewFile(uintptr(fd), "timer")}
}

func (f fineTimer) wait(d time.Duration) {
	if f.file == nil || f.set(d) != nil {
		<-time.After(d)
		return
	}
	var expirations [8]byte
	if _, err := f.file.Read(expirations[:]); err != nil {
		<-time.After(d)
	}
}

func (f fineTimer) set(d time.Duration) error {
	conn, err := f.file.SyscallConn()
	if err != nil {
		return err
	}
	failed := conn.Control(func(fd uintptr) {
		err = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(max(d.Nanoseconds(), 1))}, nil)
	})
	if failed != nil {
		return failed
	}
	return err
}

func (f fineTimer) close() {
	if f.file != nil {
		_ = f.file.Close()
	}
}
