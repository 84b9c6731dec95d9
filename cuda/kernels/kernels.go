// Package kernels holds the PTX of the kernels of training; each .cu file says what its kernels compute.
package kernels

import "embed"

//go:embed *.ptx
var files embed.FS

// PTX gives the compiled text of a .cu file, named without its ending; false if there is none.
func PTX(name string) (string, bool) {
	text, err := files.ReadFile(name + ".ptx")
	return string(text), err == nil
}
