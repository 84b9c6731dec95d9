// Package device is the contract between a training loop and what it computes on.
//
// A [Backend] opens programs of package plan as [Session]s, which hold parameters and run steps. A backend's package registers a
// [Driver] under a name in its init; [Open] finds one by the config's keys device and precision, so that no command and no
// check lists backends. What both backends must refuse in the same words (orders, inputs, states) is checked here.
//
// A new backend is one package with a Backend, a Session and a call of [Register], imported by the program that ships it.
package device
