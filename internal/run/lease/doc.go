// Package lease locks folders that several machines may share, whatever their file system.
package lease
