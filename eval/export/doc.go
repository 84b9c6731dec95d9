// Package export writes what runs recorded in the forms that other programs read: one table as CSV or JSON Lines, and the folders of
// an MLflow tracking store. Runs that are not finished are exported as far as they are.
//
// Metrics have the names that they have in TensorBoard: learning_rate, train/loss, test/error,
// "test_accuracy_by_class/000 airplane". Rates are fractions in [0, 1].
package export
