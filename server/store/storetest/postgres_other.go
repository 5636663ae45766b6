//go:build !linux

package storetest

import "errors"

// Start starts no server here.
func Start(string) (*Postgres, error) {
	return nil, errors.New("the tests start PostgreSQL on Linux alone")
}
