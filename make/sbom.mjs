// Writes the bill of materials of the binary as SPDX 2.3 JSON: every linked Go
// module and every bundled npm package, with version and licence as
// make/licences.sh found them.
import { readFileSync } from 'node:fs';

const version = process.argv[2];
const lines = readFileSync('dist/licences.txt', 'utf8').trim().split('\n').filter(Boolean);
const id = (s) => 'SPDXRef-' + s.replace(/[^A-Za-z0-9.-]/g, '-');
const packages = lines.map((l) => {
  const [name, ver, licence] = l.split(/\s+/);
  const npm = name.startsWith('npm:');
  const bare = npm ? name.slice(4) : name;
  return {
    SPDXID: id(name), name: bare, versionInfo: ver, downloadLocation: 'NOASSERTION',
    licenseConcluded: 'NOASSERTION', licenseDeclared: licence === 'BSD' ? 'NOASSERTION' : licence, copyrightText: 'NOASSERTION',
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: `pkg:${npm ? 'npm' : 'golang'}/${bare}@${ver}` }],
  };
});
const main = { SPDXID: 'SPDXRef-sightline', name: 'sightline', versionInfo: version, downloadLocation: 'NOASSERTION', licenseConcluded: 'Apache-2.0', licenseDeclared: 'Apache-2.0', copyrightText: 'NOASSERTION' };
console.log(JSON.stringify({
  spdxVersion: 'SPDX-2.3', dataLicense: 'CC0-1.0', SPDXID: 'SPDXRef-DOCUMENT', name: `sightline-${version}`,
  documentNamespace: `urn:sightline:sbom:${version}`,
  creationInfo: { created: '2018-01-15T00:00:00Z', creators: ['Tool: sightline make release'] },
  packages: [main, ...packages],
  relationships: [
    { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: 'SPDXRef-sightline' },
    ...packages.map((p) => ({ spdxElementId: 'SPDXRef-sightline', relationshipType: 'DEPENDS_ON', relatedSpdxElement: p.SPDXID })),
  ],
}, null, 1));
