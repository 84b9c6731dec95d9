package train

import (
	"fmt"

	"longtail/models"
)

// maxNorm shortens the rows of the classifier after the steps of an epoch and before its tests (models.MaxNorm). A run that resumes from a
// state at the end of an epoch has it done.
func (l *loop) maxNorm() error {
	radius := l.Config.Train.MaxNorm
	if radius == 0 {
		return nil
	}
	state, err := l.Train.Save()
	if err != nil {
		return fmt.Errorf("reading the parameters after step %d: %w", l.Step, err)
	}
	models.MaxNorm(state[models.ClassifierWeight], radius)
	if err := l.Train.Load(state); err != nil {
		return fmt.Errorf("shortening the rows of the classifier: %w", err)
	}
	return nil
}
