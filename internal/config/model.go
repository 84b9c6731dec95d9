package config

import (
	"longtail/internal/fail"
	"longtail/models"
)

const (
	formerCIFAR50 = "resnet50"
	cifar50       = "cifar_resnet50"
)

// Network is the name by which package models knows the network.
func (c *Config) Network() string { return Network(c.Model.Name, c.Given("model.shortcut")) }

// Network is the name by which package models knows the network of a config that has that model.name, and model.shortcut or not. Earlier versions
// called the CIFAR network of depth 50 "resnet50", which is cifar_resnet50 now. Their configs have a shortcut, which today's resnet50 does not
// leave to its user: they keep their meaning, and runs their config.yaml.
func Network(name string, shortcut bool) string {
	if name == formerCIFAR50 && shortcut {
		return cifar50
	}
	return name
}

// choosesShortcut reports whether model.shortcut has a meaning for the network.
func (c *Config) choosesShortcut() bool { return models.Chooses(c.Network(), models.ChoosesShortcut) }

// checkModel finds a shortcut for a network that has its own.
func (c *Config) checkModel() error {
	if c.choosesShortcut() || !c.Given("model.shortcut") {
		return nil
	}
	return fail.Usage("%s: model.shortcut=%s: the shortcuts of %s are its own\nleave model.shortcut out", c.Place("model.shortcut"), c.Model.Shortcut, c.Model.Name)
}
