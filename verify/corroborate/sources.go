package corroborate

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"sightline"
	"sightline/alike"
)

// samePicture is the largest Hamming distance of two PDQ hashes (256 bits) at
// which two pictures count as one: the distance that PDQ's authors recommend
// for a match.
const samePicture = 31

// Source is a group of items that count once, with why they do.
type Source struct {
	ID    string   `json:"id"` // first item of the group
	Items []string `json:"items"`
	Ties  []Tie    `json:"ties,omitempty"`
}

// Tie is why two items are not independent of each other.
type Tie struct {
	A   string `json:"a"`
	B   string `json:"b"`
	Why string `json:"why"` // bytes, recording, duplicate, picture, address, author
}

// Sources groups the items of a case that do not count as independent: the
// same bytes, the same recording, a duplicate that was marked as one, pictures
// of one look, one address, one author. Groups and items are sorted by id.
func Sources(d *sightline.Document) []Source {
	parent := map[string]string{}
	var find func(string) string
	find = func(id string) string {
		if parent[id] != id {
			parent[id] = find(parent[id])
		}
		return parent[id]
	}
	items := slices.Clone(d.Items)
	slices.SortFunc(items, func(a, b *sightline.Item) int { return sightline.CompareIDs(a.ID, b.ID) })
	for _, it := range items {
		parent[it.ID] = it.ID
	}
	var ties []Tie
	tie := func(a, b, why string) {
		if a == b {
			return
		}
		ties = append(ties, Tie{a, b, why})
		x, y := find(a), find(b)
		if sightline.CompareIDs(y, x) < 0 {
			x, y = y, x
		}
		parent[y] = x
	}
	first := map[string]string{}
	share := func(id, kind, key string) {
		if key == "" {
			return
		}
		k := kind + "\x00" + key
		if f, ok := first[k]; ok {
			tie(f, id, kind)
		} else {
			first[k] = id
		}
	}
	var hashed []string
	index := alike.NewIndex(nil)
	for _, it := range items {
		share(it.ID, "bytes", it.SHA256)
		share(it.ID, "recording", it.Source.Recording)
		share(it.ID, "address", address(it.Source.URL))
		share(it.ID, "author", author(it))
		if _, ok := parent[it.DuplicateOf]; ok && it.DuplicateOf != "" {
			tie(it.DuplicateOf, it.ID, "duplicate")
		}
		p, err := alike.ParsePDQ(it.Hashes["pdq"])
		if err != nil || it.Hashes["pdq_quality"] != "" && low(it.Hashes["pdq_quality"]) {
			continue
		}
		for _, near := range index.Within(p, samePicture) {
			tie(hashed[near.At], it.ID, "picture")
			break
		}
		index.Add(p)
		hashed = append(hashed, it.ID)
	}
	groups := map[string]*Source{}
	var out []*Source
	for _, it := range items {
		r := find(it.ID)
		g := groups[r]
		if g == nil {
			g = &Source{ID: it.ID}
			groups[r] = g
			out = append(out, g)
		}
		g.Items = append(g.Items, it.ID)
	}
	for _, t := range ties {
		g := groups[find(t.A)]
		g.Ties = append(g.Ties, t)
	}
	list := make([]Source, len(out))
	for i, g := range out {
		list[i] = *g
	}
	return list
}

// low reports a PDQ quality under 50 of 100: the picture is too plain for its
// hash to say anything.
func low(quality string) bool {
	return len(quality) < 2 || len(quality) == 2 && quality < "50"
}

// address is what two links to one page have in common: host and path without
// "www." and "m.", and without what trackers add.
func address(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" && u.RawQuery == "" {
		return ""
	}
	host := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(u.Hostname()), "www."), "m.")
	q := u.Query()
	for k := range q {
		if strings.HasPrefix(k, "utm_") || k == "fbclid" || k == "gclid" || k == "s" || k == "si" {
			q.Del(k)
		}
	}
	return host + strings.TrimSuffix(u.EscapedPath(), "/") + "?" + q.Encode()
}

// author names who published an item of a platform. Two articles of one
// newspaper have two authors, so only accounts count.
func author(it *sightline.Item) string {
	u, err := url.Parse(it.Source.URL)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(u.Hostname()), "www."), "m.")
	if host == "twitter.com" {
		host = "x.com"
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	handle := ""
	switch host {
	case "x.com", "instagram.com", "facebook.com", "t.me", "tiktok.com", "youtube.com", "truthsocial.com", "bsky.app":
		handle = parts[0]
		if host == "bsky.app" && len(parts) > 1 && handle == "profile" {
			handle = parts[1]
		}
	}
	switch strings.ToLower(handle) {
	case "", "p", "reel", "reels", "watch", "shorts", "channel", "c", "s", "i", "status", "video", "videos", "groups", "permalink.php", "story.php", "photo", "embed", "share", "playlist", "user":
		return ""
	}
	return host + "/" + strings.ToLower(handle)
}

// groupOf maps every item to its source.
func groupOf(sources []Source) map[string]string {
	out := map[string]string{}
	for _, s := range sources {
		for _, id := range s.Items {
			out[id] = s.ID
		}
	}
	return out
}

func byID(a, b string) int { return cmp.Or(sightline.CompareIDs(a, b)) }
