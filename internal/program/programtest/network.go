// Package programtest draws networks for tests.
package programtest

import (
	"longtail/internal/program"
	"longtail/loss"
	"longtail/models"
)

// Network is a network on images of 3 x 32 x 32 bytes, initialised as by He et al.; gamma is given to losses that have it.
func Network(model, shortcut, objective string, classes int, gamma float64) program.Network {
	n := program.Network{
		Model: models.Config{Name: model, Classes: classes, Shortcut: shortcut, Init: "he"},
		Image: program.Size{Channels: 3, Height: 32, Width: 32}, Loss: objective,
	}
	for _, o := range loss.OptionsOf(objective) {
		if o.Name == "gamma" {
			n.Options = loss.Options{"gamma": gamma}
		}
	}
	return n
}

// own is a network of this package on square images; register makes it known to the tests that ask for it, and to no others.
func own(register func(), name string, side int, objective string, classes int, gamma float64) program.Network {
	register()
	n := Network(name, "projection", objective, classes, gamma)
	n.Image.Height, n.Image.Width = side, side
	return n
}
