// What the steps of a run share in device memory; the host writes it before a run of steps and reads it after.
#pragma once
#include "device.h"

struct Control {
	int *order;                 // [steps * batch] the images of the steps of this run, -1 for padding; with mixing more, see images.cu. A step
	                            // leaves the class that it predicts in the place of each, -1 where it counts none (rows.cu)
	const float *rates;         // learning rate of each step of the training
	double loss;                // sum over the samples seen
	unsigned long long samples; // seen, padding not counted
	unsigned step, done;        // number of the current step; how many this run has done
	unsigned bad;               // a loss was not finite: nothing changes any more
	unsigned reserved;
};
