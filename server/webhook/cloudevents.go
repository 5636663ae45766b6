package webhook

import (
	"encoding/json"
	"fmt"
	"mime"
)

// The media types of CloudEvents. One event may also be split: its attributes in headers, its data in the body.
const (
	oneCloudEvent   = "application/cloudevents+json"
	cloudEventBatch = "application/cloudevents-batch+json"
)

// cloudEvent is an event by the CloudEvents specification 1.0.
type cloudEvent struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Time        string          `json:"time"`
	Data        json.RawMessage `json:"data"`
}

// key tells the event from all others: its source has given the ID, and another one may give the same.
func (e cloudEvent) key() string {
	if e.ID == "" {
		return ""
	}
	return e.Source + "#" + e.ID
}

// data reads what the event carries.
func (e cloudEvent) data(into any) error {
	if e.SpecVersion != "1.0" {
		return fmt.Errorf("CloudEvents of version %s are not known, only 1.0", quote(e.SpecVersion))
	}
	return unmarshal(e.Data, into)
}

// cloudEvents has use look at each event of the body: one, a batch, or the data of one whose attributes are headers.
// An error of use is that of the item.
func (d *delivery) cloudEvents(use func(cloudEvent) error) error {
	one := func(e cloudEvent) {
		if err := use(e); err != nil {
			d.fail(err)
		}
	}
	switch mediaType, _, _ := mime.ParseMediaType(d.header.Get("Content-Type")); {
	case mediaType == cloudEventBatch:
		var items []json.RawMessage
		if err := d.decode(&items); err != nil {
			return err
		}
		return each(d, items, one)
	case mediaType == oneCloudEvent || d.header.Get("Ce-Specversion") == "":
		var e cloudEvent
		if err := d.decode(&e); err != nil {
			return err
		}
		one(e)
	default:
		said := func(attribute string) string { return d.header.Get("Ce-" + attribute) }
		one(cloudEvent{said("Specversion"), said("Id"), said("Source"), said("Type"), said("Time"), d.body})
	}
	return nil
}
