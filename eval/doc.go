// Package eval turns finished runs into what one wants to know of them: accuracy of each class, of classes with many, medium
// and few training images, of head, middle and tail; confusion matrices; and what a set of runs says when it is grouped by
// what differs. It reads run folders and knows nothing of how they were trained.
//
// Its sub-packages draw and write: paper holds the published numbers, tables the tables, plots the pictures, report the HTML
// page, events the files that TensorBoard reads.
package eval
