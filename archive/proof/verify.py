# Checks a proof folder of Sightline with Python's standard library; openssl does the signatures (see VERIFY.md).
import base64, hashlib, json, os, re, sys
here = sys.argv[1] if len(sys.argv) > 1 else "."
sha, b64 = hashlib.sha256, base64.b64decode
def read(name): return open(os.path.join(here, name), "rb").read()
def must(ok, what):
    print(("ok      " if ok else "FAILED  ") + what)
    if not ok: sys.exit(1)
leaf, text = read("leaf.json"), read("inclusion.tlog-proof").decode()
entry, dsse, checkpoint = json.loads(leaf), json.loads(read("leaf.dsse.json")), read("checkpoint")
raw = lambda pem: b64("".join(read(pem).decode().split("\n")[1:-2]))[-32:]
log, actor, signature = raw("log.pub.pem"), raw("actor.pub.pem"), dsse["signatures"][0]
if os.path.exists(os.path.join(here, "item")):
    item = read("item")
    must(sha(item).hexdigest() == entry["item"]["sha256"] and len(item) == entry["item"]["size"], "the item is the one the entry names")
else: print("note    the item is withheld; the entry names its SHA-256: " + entry["item"]["sha256"])
must(re.fullmatch("[0-9a-f]{64}", os.path.basename(os.path.abspath(here))) is None or os.path.basename(os.path.abspath(here)) == entry["item"]["sha256"], "the folder is named after that SHA-256, or not named after any")
must(b64(dsse["payload"]) == leaf and dsse["payloadType"] == "application/vnd.sightline.entry+json", "the signed envelope holds this entry")
must(entry["actor"]["key"] == signature["keyid"] == "ed25519:" + sha(actor).hexdigest(), "the actor's key is the one the entry names")
head, proven = text.split("\n\n", 1)
kind, place, *path = head.split("\n")
must(kind == "c2sp.org/tlog-proof@v1" and proven.encode() == checkpoint, "the path leads to this checkpoint")
index, (origin, size, root) = int(place.removeprefix("index ")), proven.split("\n")[:3]
must(index == entry["seq"] < int(size) and origin == entry["log"], "place and log are those of the entry")
node, i, last = sha(b"\0" + leaf).digest(), index, int(size) - 1
for p in map(b64, path):  # RFC 9162, 2.1.3.2
    must(last > 0, "the path is not too long") if last == 0 else None
    left = i % 2 or i == last
    node = sha(b"\1" + (p + node if left else node + p)).digest()
    while left and i and i % 2 == 0: i, last = i // 2, last // 2
    i, last = i // 2, last // 2
must(last == 0 and node == b64(root), "the audit path leads from the entry to the root")
name, signed = proven.rstrip("\n").split("\n")[-1].removeprefix("\u2014 ").rsplit(" ", 1)
must(name == origin and b64(signed)[:4] == sha(name.encode() + b"\n\x01" + log).digest()[:4], "the checkpoint is signed by the log's key")
for n, s in (json.loads(read("reveal.json")) if os.path.exists(os.path.join(here, "reveal.json")) else {}).items():
    value = json.dumps(s["value"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    must(sha(b"sightline/seal/v1\0" + n.encode() + b"\0" + bytes.fromhex(s["salt"]) + value).hexdigest() == entry["sealed"][n], "the revealed " + n + " opens its commitment")
pae = b"DSSEv1 %d %s %d " % (len(dsse["payloadType"]), dsse["payloadType"].encode(), len(leaf)) + leaf
for n, b in {"checkpoint.text": (proven.split("\n\n")[0] + "\n").encode(), "checkpoint.sig": b64(signed)[4:], "leaf.pae": pae, "leaf.sig": b64(signature["sig"])}.items(): open(os.path.join(here, n), "wb").write(b)
print("now     run the openssl commands of VERIFY.md, and compare the log's key with one published elsewhere: " + sha(log).hexdigest())
