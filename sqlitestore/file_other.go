//go:build !unix

package sqlitestore

import "os"

// canReplaceOpenFile says that the system does not let a file be deleted or replaced while
// it is open. On Windows SQLite opens files so.
const canReplaceOpenFile = false

// statFile returns an error if the file does not exist. The system tells nothing else that
// the store checks.
func statFile(name string) (fileInfo, error) {
	_, err := os.Stat(name)
	return fileInfo{links: 1}, err
}
