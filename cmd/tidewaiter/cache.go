package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tidewaiter/tidewaiter/cache"
)

// cacheVariable names the folder of the cache. The value noCache means none.
const (
	cacheVariable = "TIDEWAITER_CACHE"
	noCache       = "off"
)

// cacheBytes bounds what the cache takes on disk.
const cacheBytes = 1 << 30

// cacheDir returns the folder of everything that is kept from run to run: the user's own cache folder, or what the
// environment says. It is empty if nothing shall be kept, and the error says why nothing can be.
func cacheDir() (string, error) {
	switch dir := os.Getenv(cacheVariable); {
	case dir == noCache:
		return "", nil
	case dir == "":
		user, err := os.UserCacheDir()
		return filepath.Join(user, "tidewaiter"), err
	case !filepath.IsAbs(dir):
		return "", errors.New("it is no absolute path: what stands in a working directory may be anybody's")
	default:
		return dir, nil
	}
}

// openCache opens the cache. Without one everything works, and takes longer: what keeps it from working is noted.
func openCache(note func(error)) *cache.Cache {
	dir, err := cacheDir()
	if err == nil && dir == "" {
		return nil
	}
	var c *cache.Cache
	if err == nil {
		c, err = cache.Open(filepath.Join(dir, "entries"), cacheBytes)
	}
	if err != nil {
		note(fmt.Errorf("nothing is kept for the next run: %w (%s names a folder for it, or is %q)", err, cacheVariable, noCache))
		return nil
	}
	c.Note = note
	return c
}
