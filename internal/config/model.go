package config

import (
	"longtail/internal/fail"
	"longtail/models"
)

// Network is the name by which package models knows the network. Earlier versions called the CIFAR network of depth 50 "resnet50",
// which is cifar_resnet50 now: a run that they made keeps its config.yaml, and with it its fingerprint.
func (c *Config) Network() string {
	if c.cifar50 {
		return cifar50
	}
	return c.Model.Name
}

const (
	formerCIFAR50 = "resnet50"
	cifar50       = "cifar_resnet50"
)

// recognizeCIFAR50 tells a run of the CIFAR network that was called resnet50 from one of today's resnet50: config.yaml has a shortcut, which
// today's does not leave to its user.
func (c *Config) recognizeCIFAR50() {
	c.cifar50 = c.Model.Name == formerCIFAR50 && c.Given("model.shortcut")
}

// nameAs gives a network that has two names the one that another config has.
func (c *Config) nameAs(other *Config) {
	if other.cifar50 && c.Model.Name == cifar50 {
		c.Model.Name, c.cifar50 = formerCIFAR50, true
	}
}

// checkModel finds a shortcut for a network that has its own.
func (c *Config) checkModel() error {
	if !c.unused("model.shortcut") || !c.Given("model.shortcut") {
		return nil
	}
	advice := "leave model.shortcut out"
	if c.Model.Name == formerCIFAR50 {
		advice += "; the network for images of 32 x 32 pixels that was called resnet50 is " + cifar50
	}
	return fail.Usage("%s: model.shortcut=%s: the shortcuts of %s are its own\n%s", c.Place("model.shortcut"), c.Model.Shortcut, c.Model.Name, advice)
}

// choosesShortcut reports whether model.shortcut has a meaning for the network.
func (c *Config) choosesShortcut() bool { return models.Chooses(c.Network(), models.ChoosesShortcut) }
