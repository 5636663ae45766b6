package main

import (
	"flag"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
	"github.com/tidewaiter/tidewaiter/signature/signaturetest"
)

var update = flag.Bool("update", false, "rewrite golden files and generated documents")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tidewaiter": main})
}

// TestScripts runs testdata/script/*.txtar. Each script has a registry of its own, registry.localhost, and the
// commands
//
//	push REF FOLDER... [user=USER] [entrypoint=WORDS] [cmd=WORDS] [workdir=FOLDER] [platform=OS/ARCH]   an image, each folder a layer of it
//	index REF REF...                                                    an index of images that were pushed
//	sign REF FILE                                                       sign by a new key, write the public one
//	attest REF FILE TYPE PREDICATE                                      attest what a file says likewise
//	elf FILE WORDS...                                                   a file that is an ELF program with these words
//	status CODE ARGS...                                                 tidewaiter must end with the exit code
//
// The registry is reached as a proxy, so that its name, and with it the output, is the same in every run. By the name
// private.localhost it is the same registry, and has to be given alice's password, hunter2. $source is the folder of this
// repository, $ACTION that of the GitHub Action in it, and $PROGRAM this program.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup:               withRegistry,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"push": pushImage, "index": index, "sign": sign, "attest": attest, "status": status, "elf": elf,
		},
	})
}

// private asks who calls the registry by another name for a password.
func private(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.Host == "private.localhost" && (user != "alice" || password != "hunter2") {
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// setAction sets what a runner would for a step of the GitHub Action, with the script's folder as the workspace.
func setAction(env *testscript.Env) error {
	env.Setenv("ACTION", filepath.Join(env.Getenv("source"), "action"))
	env.Setenv("GITHUB_ACTION_PATH", env.Getenv("source"))
	env.Setenv("GITHUB_WORKSPACE", filepath.Join(env.WorkDir, "workspace"))
	for name, file := range map[string]string{"RUNNER_TEMP": "temp", "GITHUB_OUTPUT": "output", "GITHUB_STEP_SUMMARY": "summary"} {
		env.Setenv(name, filepath.Join(env.WorkDir, file))
	}
	program, err := exec.LookPath("tidewaiter")
	env.Setenv("PROGRAM", program)
	return err
}

// withRegistry gives a script its registry.
func withRegistry(env *testscript.Env) error {
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	server := httptest.NewServer(private(registry.New(quiet, registry.WithReferrersSupport(true))))
	env.Defer(server.Close)
	env.Values["host"] = strings.TrimPrefix(server.URL, "http://")
	env.Setenv("http_proxy", server.URL)
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("TMPDIR", env.WorkDir)
	env.Setenv(cacheVariable, noCache) // each command asks the registry
	source, err := filepath.Abs("../..")
	env.Setenv("source", source)
	if err == nil {
		err = setAction(env)
	}
	return err
}

// status runs tidewaiter and checks its exit code: status CODE ARGS...
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: status CODE ARGS...")
	}
	if got := exitOf(ts, args[1:]...); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// exitOf runs tidewaiter.
func exitOf(ts *testscript.TestScript, args ...string) string {
	if err := ts.Exec("tidewaiter", args...); err != nil {
		return strings.TrimPrefix(err.Error(), "exit status ")
	}
	return "0"
}

// localRef is the reference on the script's own registry server that ref, on registry.localhost, stands for.
func localRef(ts *testscript.TestScript, ref string) name.Reference {
	host, _ := ts.Value("host").(string)
	local, err := name.ParseReference(strings.Replace(ref, "registry.localhost", host, 1), name.Insecure)
	ts.Check(err)
	return local
}

func pushImage(ts *testscript.TestScript, neg bool, args []string) {
	settings := slices.IndexFunc(args, func(arg string) bool { return strings.Contains(arg, "=") })
	if settings < 0 {
		settings = len(args)
	}
	if neg || settings < 2 {
		ts.Fatalf("usage: push REF FOLDER... [user=USER] [entrypoint=WORDS] [cmd=WORDS] [workdir=FOLDER] [platform=OS/ARCH]")
	}
	var layers []map[string]string
	for _, folder := range args[1:settings] {
		files, err := filesOf(ts.MkAbs(folder))
		ts.Check(err)
		layers = append(layers, files)
	}
	img, err := imagetest.Build(func(file *v1.ConfigFile) {
		for _, arg := range args[settings:] {
			switch key, value, _ := strings.Cut(arg, "="); key {
			case "user":
				file.Config.User = value
			case "entrypoint":
				file.Config.Entrypoint = strings.Fields(value)
			case "cmd":
				file.Config.Cmd = strings.Fields(value)
			case "workdir":
				file.Config.WorkingDir = value
			case "platform":
				file.OS, file.Architecture, _ = strings.Cut(value, "/")
			default:
				ts.Fatalf("push: %q is no setting", arg)
			}
		}
	}, layers...)
	ts.Check(err)
	ts.Check(remote.Write(localRef(ts, args[0]), img))
}

func index(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: index REF REF...")
	}
	idx := v1.ImageIndex(empty.Index)
	for _, arg := range args[1:] {
		img, err := remote.Image(localRef(ts, arg))
		ts.Check(err)
		file, err := img.ConfigFile()
		ts.Check(err)
		platform := &v1.Platform{OS: file.OS, Architecture: file.Architecture}
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: platform}})
	}
	ts.Check(remote.WriteIndex(localRef(ts, args[0]), idx))
}

func sign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sign REF FILE")
	}
	ref, digest, key := vouch(ts, args[0], args[1])
	ts.Check(key.Push(ref.Context(), digest))
}

func attest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: attest REF FILE TYPE PREDICATE")
	}
	ref, digest, key := vouch(ts, args[0], args[1])
	ts.Check(key.Attest(ref.Context(), digest, args[2], []byte(ts.ReadFile(args[3]))))
}

// vouch returns what to vouch for and a new key to do it with, and writes the public one to file.
func vouch(ts *testscript.TestScript, image, file string) (name.Reference, v1.Hash, signaturetest.Key) {
	ref := localRef(ts, image)
	head, err := remote.Head(ref)
	ts.Check(err)
	key, err := signaturetest.NewKey()
	ts.Check(err)
	public, err := key.PublicPEM()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(file), public, 0o644))
	return ref, head.Digest, key
}

// elf writes a file that begins like a program for x86-64 and holds the words.
func elf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: elf FILE WORDS...")
	}
	header := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00\x3e\x00\x01\x00\x00\x00" + strings.Repeat("\x00", 64)
	file := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
	ts.Check(os.WriteFile(file, []byte(header+strings.Join(args[1:], "\x00")), 0o755))
}

// filesOf are the contents of the files in a folder, by their paths in it.
func filesOf(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(file)
		files[filepath.ToSlash(relative)] = string(content)
		return err
	})
	return files, err
}
