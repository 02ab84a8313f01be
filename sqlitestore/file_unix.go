//go:build unix

package sqlitestore

import (
	"errors"
	"os"
	"syscall"
)

// canReplaceOpenFile says that the system lets a file be deleted or replaced while it is
// open.
const canReplaceOpenFile = true

// statFile returns the state of the file that a name refers to.
func statFile(name string) (fileInfo, error) {
	var st syscall.Stat_t
	err := syscall.Stat(name, &st)
	for errors.Is(err, syscall.EINTR) {
		err = syscall.Stat(name, &st)
	}
	if err != nil {
		return fileInfo{}, &os.PathError{Op: "stat", Path: name, Err: err}
	}
	return fileInfo{
		device: uint64(st.Dev), inode: uint64(st.Ino), links: uint64(st.Nlink),
		mode: os.FileMode(st.Mode & 0o777),
	}, nil
}
