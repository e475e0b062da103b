package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// toFile writes to a file, which is replaced when the new one is whole, or to out if the name is "" or "-". What is no ordinary file, such as
// a pipe, is written to as it is. Where a name is a link, the file is that to which it leads.
func toFile(name string, mode fs.FileMode, out io.Writer, write func(io.Writer) error) error {
	if name == "" || name == "-" {
		return write(out)
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(file), file.Close())
	}
	if path, err := filepath.EvalSymlinks(name); err == nil {
		name = path
	}
	part := name + ".part"
	file, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, name)
}
