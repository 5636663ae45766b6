package image

import (
	"testing"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

func mustParse(t testing.TB, s string) Reference {
	t.Helper()
	ref, err := ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestPull(t *testing.T) {
	host := imagetest.Host(t)
	digest := imagetest.Push(t, host+"/shop/web:1.4", imagetest.Image(t, map[string]string{"bin/web": "x"}))
	c := Client{PlainHTTP: []string{host}}
	for _, ref := range []string{host + "/shop/web:1.4", host + "/shop/web@" + digest, host + "/shop/web:gone@" + digest} {
		img, err := c.Pull(t.Context(), mustParse(t, ref))
		if err != nil {
			t.Fatal(err)
		}
		if img.Digest != digest || len(img.Platforms) != 1 || img.Platforms[0].Name != "linux/amd64" || len(img.Platforms[0].Layers) != 1 {
			t.Errorf("Pull(%s) = %+v", ref, img)
		}
	}
}
