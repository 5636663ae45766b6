// Package storetest gives tests a PostgreSQL server of their own. It is a package only so that the tests of several
// packages can share it.
package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// Variable names the folder with the programs of PostgreSQL. Where it is not set, tests do without.
const Variable = "TIDEWAITER_POSTGRES"

// Postgres is a running server.
type Postgres struct {
	socket string // the folder of its socket
	stop   func()
}

// Stop ends the server and removes its databases.
func (p *Postgres) Stop() { p.stop() }

// databases counts those that were created, so that no two have a name.
var databases atomic.Int64

// Database creates a database, with a name that ends as name does, and returns its DSN.
func (p *Postgres) Database(ctx context.Context, name string) (dsn string, err error) {
	name = strings.ToLower(strings.NewReplacer("/", "_", "-", "_").Replace(name))
	name = fmt.Sprintf("%s_%d", name[max(0, len(name)-50):], databases.Add(1))
	connection, err := pgx.Connect(ctx, "postgres:///postgres?user=postgres&host="+p.socket)
	if err != nil {
		return "", err
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }()
	if _, err := connection.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", err
	}
	return "postgres:///" + name + "?user=postgres&host=" + p.socket, nil
}
