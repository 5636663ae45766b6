package webhook

import (
	"fmt"

	"github.com/tidewaiter/tidewaiter/image"
)

var generic = sender{
	key:     "cloudevents",
	title:   "Any CloudEvent",
	types:   []string{jsonType, oneCloudEvent, cloudEventBatch},
	methods: []method{byHMAC, byOIDC, byHeader, byBasic, byMTLS, byPath},
	signed:  signed{"X-Hub-Signature-256", "sha256="},
	read:    readGeneric,
	about: "For a registry that is not in this table, or a step of a pipeline: `dev.tidewaiter.image.pushed` has an image judged, " +
		"`dev.tidewaiter.image.signed` has it judged again. The data is `{\"image\": REFERENCE}`. One event, a batch, or attributes in headers. " +
		"The HMAC is carried as GitHub does.",
	config: `name: pipeline
sender: cloudevents
path: /hooks/pipeline
hosts: [registry.example]
auth:
  header: {scheme: Bearer, secret: {env: PIPELINE_SECRET}}
`,
	language: "sh",
	setup: `curl https://tidewaiter.example/hooks/pipeline -H "Authorization: Bearer <secret>" \
  -H "Content-Type: application/cloudevents+json" -d '{
    "specversion": "1.0", "id": "build-4711", "source": "/ci", "type": "dev.tidewaiter.image.pushed",
    "data": {"image": "registry.example/shop/web:1.4"}}'
`,
}

func readGeneric(d *delivery) error {
	return d.cloudEvents(func(e cloudEvent) error {
		signed := e.Type == "dev.tidewaiter.image.signed"
		if !signed && e.Type != "dev.tidewaiter.image.pushed" {
			return nil
		}
		var data struct {
			Image string `json:"image"`
		}
		if err := e.data(&data); err != nil {
			return err
		}
		r, err := image.ParseReference(data.Image)
		switch {
		case err != nil:
			return err
		case r.Transport != image.Registry:
			return fmt.Errorf("%s is in no registry", quote(data.Image))
		case signed && r.Digest == "":
			return fmt.Errorf("%s has no digest, so nothing says what was signed", quote(data.Image))
		}
		d.push(push{id: e.key(), host: r.Host, repository: r.Repository, tag: r.Tag, digests: []string{r.Digest}, signed: signed, time: parseTime(e.Time)})
		return nil
	})
}
