package scene

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg" // textures
	_ "image/png"
	"math"
	"strings"

	"github.com/qmuntal/gltf"

	"sightline/raster"
)

// look returns the colour and texture of a primitive.
func (r *glbReader) look(p *gltf.Primitive) (color.NRGBA, *decodedImage, error) {
	c := color.NRGBA{0xE6, 0xE2, 0xDA, 255}
	if p.Material == nil {
		return c, nil, nil
	}
	if *p.Material < 0 || *p.Material >= len(r.doc.Materials) || r.doc.Materials[*p.Material] == nil {
		return c, nil, fmt.Errorf("material %d of %d does not exist", *p.Material, len(r.doc.Materials))
	}
	pbr := r.doc.Materials[*p.Material].PBRMetallicRoughness
	if pbr == nil {
		return c, nil, nil
	}
	f := pbr.BaseColorFactorOrDefault()
	c = color.NRGBA{display(f[0]), display(f[1]), display(f[2]), 255}
	if pbr.BaseColorTexture == nil {
		return c, nil, nil
	}
	t := pbr.BaseColorTexture.Index
	if t < 0 || t >= len(r.doc.Textures) || r.doc.Textures[t] == nil || r.doc.Textures[t].Source == nil {
		return c, nil, nil
	}
	img, err := r.image(*r.doc.Textures[t].Source)
	return c, img, err
}

func (r *glbReader) image(i int) (*decodedImage, error) {
	if d, ok := r.images[i]; ok {
		return d, nil
	}
	if i < 0 || i >= len(r.doc.Images) {
		return nil, fmt.Errorf("image %d of %d does not exist", i, len(r.doc.Images))
	}
	img := r.doc.Images[i]
	var raw []byte
	mime := img.MimeType
	var err error
	if img.URI != "" {
		if raw, mime, err = dataURI(img.URI); err != nil {
			return nil, fmt.Errorf("images[%d] %w", i, err)
		}
	} else if img.BufferView != nil {
		if raw, err = r.bytes(*img.BufferView); err != nil {
			return nil, fmt.Errorf("images[%d]: %w", i, err)
		}
	}
	if mime != "image/png" && mime != "image/jpeg" {
		return nil, fmt.Errorf("images[%d] has type %.40q: image/png and image/jpeg are read", i, mime)
	}
	tex, err := decodeTexture(raw, r.lim.Pixels-r.pixels)
	if err != nil {
		return nil, fmt.Errorf("images[%d]: %w", i, err)
	}
	r.pixels += tex.Image.Rect.Dx() * tex.Image.Rect.Dy()
	if r.images == nil {
		r.images = map[int]*decodedImage{}
	}
	d := &decodedImage{raw, mime, tex}
	r.images[i] = d
	return d, nil
}

// decodeTexture looks at the size of an image before it decodes it.
func decodeTexture(raw []byte, pixels int) (*raster.Texture, error) {
	cfg, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("the texture is damaged: %w", err)
	}
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Width > 16384 || cfg.Height > 16384 || cfg.Width > pixels/cfg.Height {
		return nil, fmt.Errorf("a texture of %d x %d pixels is too large", cfg.Width, cfg.Height)
	}
	src, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("the texture is damaged: %w", err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, cfg.Width, cfg.Height))
	draw.Draw(dst, dst.Rect, src, src.Bounds().Min, draw.Src)
	return &raster.Texture{Image: dst}, nil
}

// bytes returns a buffer view.
func (r *glbReader) bytes(i int) ([]byte, error) {
	if i < 0 || i >= len(r.doc.BufferViews) || r.doc.BufferViews[i] == nil {
		return nil, fmt.Errorf("buffer view %d of %d does not exist", i, len(r.doc.BufferViews))
	}
	v := r.doc.BufferViews[i]
	if v.Buffer < 0 || v.Buffer >= len(r.buffers) {
		return nil, fmt.Errorf("buffer %d of %d does not exist", v.Buffer, len(r.buffers))
	}
	b := r.buffers[v.Buffer]
	if v.ByteOffset < 0 || v.ByteLength < 0 || v.ByteOffset > len(b) || v.ByteLength > len(b)-v.ByteOffset {
		return nil, fmt.Errorf("buffer view %d reaches beyond its buffer", i)
	}
	return b[v.ByteOffset : v.ByteOffset+v.ByteLength], nil
}

// read decodes an accessor with k components an element.
func (r *glbReader) read(i, k int, what string) ([]float64, error) {
	if i < 0 || i >= len(r.doc.Accessors) || r.doc.Accessors[i] == nil {
		return nil, fmt.Errorf("%s: accessor %d of %d does not exist", what, i, len(r.doc.Accessors))
	}
	a := r.doc.Accessors[i]
	if a.Sparse != nil {
		return nil, fmt.Errorf("%s: sparse accessors are not read", what)
	}
	if int(a.Type.Components()) != k {
		return nil, fmt.Errorf("%s: %d components, expected %d", what, a.Type.Components(), k)
	}
	if a.BufferView == nil {
		return nil, fmt.Errorf("%s: accessor %d has no data", what, i)
	}
	b, err := r.bytes(*a.BufferView)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	size := int(a.ComponentType.ByteSize())
	stride := r.doc.BufferViews[*a.BufferView].ByteStride
	if stride == 0 {
		stride = size * k
	}
	if size == 0 || stride < size*k || stride > 4096 {
		return nil, fmt.Errorf("%s: stride of %d bytes", what, stride)
	}
	if a.Count < 0 || a.ByteOffset < 0 || a.ByteOffset > len(b) || a.Count > 0 && (a.Count-1 > (len(b)-a.ByteOffset)/stride || (a.Count-1)*stride+size*k > len(b)-a.ByteOffset) {
		return nil, fmt.Errorf("%s: %d elements reach beyond their buffer view", what, a.Count)
	}
	out := make([]float64, 0, a.Count*k)
	for e := range a.Count {
		p := b[a.ByteOffset+e*stride:]
		for c := range k {
			out = append(out, component(p[c*size:], a.ComponentType, a.Normalized))
		}
	}
	return out, nil
}

func component(p []byte, t gltf.ComponentType, norm bool) float64 {
	le := binary.LittleEndian
	switch t {
	case gltf.ComponentByte:
		if norm {
			return max(float64(int8(p[0]))/127, -1)
		}
		return float64(int8(p[0]))
	case gltf.ComponentUbyte:
		if norm {
			return float64(p[0]) / 255
		}
		return float64(p[0])
	case gltf.ComponentShort:
		if norm {
			return max(float64(int16(le.Uint16(p)))/32767, -1)
		}
		return float64(int16(le.Uint16(p)))
	case gltf.ComponentUshort:
		if norm {
			return float64(le.Uint16(p)) / 65535
		}
		return float64(le.Uint16(p))
	case gltf.ComponentUint:
		return float64(le.Uint32(p))
	}
	return float64(math.Float32frombits(le.Uint32(p)))
}

// dataURI decodes data:TYPE;base64,... and refuses everything else.
func dataURI(s string) (data []byte, mime string, err error) {
	rest, ok := strings.CutPrefix(s, "data:")
	if !ok {
		return nil, "", fmt.Errorf("refers to %.60q outside the file: export the model as one GLB", s)
	}
	head, body, ok := strings.Cut(rest, ",")
	mime, base := strings.CutSuffix(head, ";base64")
	if !ok || !base {
		return nil, "", errors.New("holds a data address that is not base64")
	}
	data, err = base64.StdEncoding.DecodeString(body)
	return data, mime, err
}
