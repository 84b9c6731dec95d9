package train

import "longtail/internal/run"

// Event is something that happened in a run: Remark before the loop; Started, Progress, Testing, EpochDone, Saving or Finished in
// Loop.
type Event interface{ event() }

// Observer is called with every event, in order, before the loop continues. Its error stops the loop.
type Observer func(Event) error

// Remark is something about the run that its user should know, in a line.
type Remark struct{ Text string }

// Started comes first. From is the step of the checkpoint that the run resumes from, 0 for a new run.
type Started struct {
	From, Steps int // of Steps in all
	Images      int // N, training images
	Batch       int
	Epochs      float64
}

// Progress comes after every call of the backend: one step, or a few on a fast device.
type Progress struct {
	Step    int     // steps done
	Epoch   float64 // epochs done
	Loss    float64 // mean over the samples of this epoch so far
	LR      float64 // of the last step
	Samples int     // of this call
	Seconds float64 // of this call
}

// Testing comes after every batch of an evaluation.
type Testing struct {
	Set         string // test, validation or, for a method after training, training or held-out
	Done, Total int    // images
}

// EpochDone comes when an epoch's sums, and its tests where they are due, are complete.
type EpochDone struct {
	Record      run.Epoch
	EvalSeconds float64
}

// Saving comes when the state is to be kept. Best and BestValidation are set where it is the best so far.
type Saving struct {
	Checkpoint           *Checkpoint
	Best, BestValidation bool
}

// Finished comes last, and only if all steps were done. Position has the results.
type Finished struct{ Position Position }

func (Remark) event()    {}
func (Started) event()   {}
func (Progress) event()  {}
func (Testing) event()   {}
func (EpochDone) event() {}
func (Saving) event()    {}
func (Finished) event()  {}

// fanOut is an observer that calls several, in order, and stops at the first error.
func fanOut(observers []Observer) Observer {
	return func(e Event) error {
		for _, observe := range observers {
			if err := observe(e); err != nil {
				return err
			}
		}
		return nil
	}
}
