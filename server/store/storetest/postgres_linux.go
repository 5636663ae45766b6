package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Start starts a server from the programs in a folder, on a socket in a temporary folder. It is as durable as one that is
// used. It refuses root, so then it is run as its own user. It ends with this process, if not before.
func Start(bin string) (*Postgres, error) {
	dir, err := os.MkdirTemp("/tmp", "tw-postgres-") // the name of a socket must be short
	if err != nil {
		return nil, err
	}
	c := cluster{bin: bin, dir: dir, attributes: &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}}
	if os.Getuid() == 0 {
		if err := c.disown(); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(dir, "data")
	if out, err := c.command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return c.serve(data)
}

// cluster is the folder of a server, and how its programs are run.
type cluster struct {
	bin, dir   string
	attributes *syscall.SysProcAttr
}

// disown gives the folder to the user postgres, who runs the programs.
func (c *cluster) disown() error {
	owner, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	c.attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(c.dir, uid, gid)
}

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.SysProcAttr, cmd.Dir, cmd.Env = c.attributes, c.dir, []string{"LC_ALL=C", "TZ=Pacific/Auckland"}
	return cmd
}

func (c *cluster) serve(data string) (*Postgres, error) {
	server := c.command("postgres", "-D", data, "-k", c.dir, "-c", "listen_addresses=", "-c", "max_connections=200")
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return nil, err
	}
	server.Stdout, server.Stderr = log, log
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the system ends the server with the thread that started it
		defer close(ended)
		err := server.Start()
		started <- err
		if err == nil {
			_ = server.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	stop := func() {
		_ = server.Process.Signal(syscall.SIGINT)
		<-ended
		_ = os.RemoveAll(c.dir)
	}
	for range 300 {
		if c.command("pg_isready", "-h", c.dir).Run() == nil {
			return &Postgres{socket: c.dir, stop: stop}, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	text, _ := os.ReadFile(log.Name())
	stop()
	return nil, fmt.Errorf("postgres does not start: %s", text)
}
