// Package where holds places: positions on the Earth, the local frame that a
// scene is measured in, and the error of each.
//
// It exists so that three confusions that move a camera by tens of metres
// cannot happen silently: degrees taken for radians, an orthometric height
// taken for an ellipsoidal one (17.7 m at El Junquito), and "up" of the frame
// taken for height above the ellipsoid (1.97 m at 5 km from the origin).
// Hence distinct types for [Degrees], [Radians] and [Metres], a [Datum] beside
// each height, and a [Frame] that always goes through Earth-centred
// coordinates.
//
// Positions are WGS 84 ([Geodetic]); scenes use east, north, up metres at a
// frozen origin ([Frame], [ENU]). [Parse] reads what people paste: decimal
// degrees, degrees with minutes and seconds, UTM, MGRS, Plus Codes, geo: URIs
// and the addresses of common map sites. Errors are a [Covariance2] on the
// ground and are shown as its 95 % [Ellipse].
//
// The package uses the standard library only and does no input or output. The
// sciences stand on it next: package sun computes in its frames, package sight
// solves cameras in them.
package where
