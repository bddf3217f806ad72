"""Writes the seeds of the fuzz targets, sound files and malformed ones, below FOLDER: make_corpus.py FOLDER"""

import gzip
import os
import struct
import sys


def idx(kind, sizes, data=b""):
    return struct.pack(">HBB%dI" % len(sizes), 0, kind, len(sizes), *sizes) + data


def packed(data):
    return gzip.compress(data, mtime=0)


SMALL = idx(0x08, [2, 3], b"abcdef")
IDX = {
    "u1": SMALL,
    "i4": idx(0x0C, [2], struct.pack(">2i", 7, -2)),
    "f4": idx(0x0D, [1, 2], struct.pack(">2f", 1.5, -2)),
    "f8": idx(0x0E, [1], struct.pack(">d", 1.5)),
    "empty": idx(0x08, [0, 28, 28]),
    "rank8": idx(0x08, [1, 1, 1, 2, 1, 1, 1, 1], b"ab"),
    "packed": packed(SMALL),
    "packed_f8": packed(idx(0x0E, [2], struct.pack(">2d", 1.5, 2))),
    "packed_pieces": packed(SMALL[:9]) + packed(b"") + packed(SMALL[9:]),
    "packed_empty": packed(b""),
    "packed_truncated": packed(SMALL)[:-9],
    "packed_bad_checksum": packed(SMALL)[:-8] + bytes(8),
    "packed_trailing": packed(SMALL) + b"x",
    "packed_bomb": packed(idx(0x08, [10], bytes(100000))),
    "packed_short": packed(idx(0x08, [0x7fffffff], b"abc")),
    "bad_magic": b"PK\3\4",
    "bad_type": idx(0x0B, [1], b"ab"),
    "rank0": idx(0x08, [], b"a"),
    "rank9": idx(0x08, [1] * 9, b"a"),
    "overflow": idx(0x0E, [2**31, 2**30]),
    "overflow_empty": idx(0x08, [0, 2**31, 2**31, 4]),
    "huge": idx(0x08, [2**31, 2**20], b"abc"),
    "truncated": idx(0x08, [2, 3], b"abcde"),
    "trailing": idx(0x08, [2, 3], b"abcdefg"),
}


def npy(header, data=b"", version=1):
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + data


def dictionary(descr, shape, order="False"):
    return "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n" % (descr, order, shape)


NPY = {
    "f4": npy(dictionary("<f4", "(2, 3)"), bytes(24)),
    "f8_scalar": npy(dictionary("<f8", "()"), bytes(8)),
    "i4_fortran": npy(dictionary("<i4", "(2, 3)", "True"), bytes(range(24))),
    "i8": npy(dictionary("<i8", "(1,)"), bytes(8)),
    "u1_rank8": npy(dictionary("|u1", "(1, 2, 1, 1, 1, 1, 1, 2)"), b"abcd"),
    "b1": npy(dictionary("|b1", "(3,)"), b"\0\1\1"),
    "empty": npy(dictionary("<f4", "(0, 7)")),
    "version2": npy(dictionary("|u1", "(2,)"), b"ab", 2),
    "version3": npy(dictionary("|u1", "(2,)"), b"ab", 3),
    "other_order": npy("{\"shape\":(1,),'descr':\"|u1\",'fortran_order':True}", b"x"),
    "bad_bool": npy(dictionary("|b1", "(3,)"), b"\0\1\2"),
    "bad_magic": b"\x93NUMPX\1\0",
    "bad_version": npy(dictionary("<f4", "()"), bytes(4), 4),
    "bad_dtype": npy(dictionary(">f4", "()"), bytes(4)),
    "bad_tuple": npy(dictionary("|u1", "(1)"), b"x"),
    "duplicate": npy("{'descr': '|u1', 'descr': '|u1'}", b"x"),
    "overflow": npy(dictionary("<f8", "(4294967296, 4294967296, 4294967296)"), b"x"),
    "overflow_digits": npy(dictionary("<f8", "(99999999999999999999,)"), b"x"),
    "overflow_empty": npy(dictionary("<f8", "(9223372036854775807, 9223372036854775807, 0)")),
    "truncated": npy(dictionary("<f4", "(2, 3)"), bytes(23)),
    "trailing": npy(dictionary("<f4", "(2, 3)"), bytes(25)),
    "rank9": npy(dictionary("|u1", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), b"x"),
    "long_header": b"\x93NUMPY\2\0\xff\xff\xff\xff{",
}


def safetensors(header, data=b""):
    header = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(header)) + header + data


def tensor(name, dtype, shape, begin, end):
    return '"%s":{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}' % (name, dtype, shape, begin, end)


X = tensor("x", "U8", [2], 0, 2)
SAFETENSORS = {
    "nothing": safetensors("{}"),
    "all": safetensors('{"__metadata__":{"format_version":"1","a":"b"},' + ",".join([
        tensor("f64", "F64", [], 0, 8), tensor("i64", "I64", [1], 8, 16), tensor("f32", "F32", [1, 2], 16, 24),
        tensor("i32", "I32", [1], 24, 28), tensor("bf16", "BF16", [2], 28, 32), tensor("u8", "U8", [3], 32, 35),
        tensor("bool", "BOOL", [2], 35, 37), tensor("none", "F32", [0, 3], 37, 37)]) + "}  ", bytes(37)),
    "order": safetensors("{%s,%s}" % (tensor("y", "U8", [1], 2, 3), X), b"abc"),
    "escapes": safetensors('{"__metadata__":{"\\u00fc\\n":"\\"\u00fc\\ud83d\\ude00"},%s}' % tensor("\\/", "U8", [0], 0, 0)),
    "bad_start": safetensors(" {}"),
    "bad_bom": safetensors(b"\xef\xbb\xbf{}"),
    "bad_zero": safetensors(b"{}\0"),
    "bad_utf8": safetensors(b'{"\xc0\x80":{}}'),
    "bad_surrogate": safetensors('{"\\ud800":{}}'),
    "bad_metadata": safetensors('{"__metadata__":{"a":1}}'),
    "bad_version": safetensors('{"__metadata__":{"format_version":"2"}}'),
    "bad_dtype": safetensors("{%s}" % tensor("x", "F16", [1], 0, 2), b"ab"),
    "bad_bool": safetensors("{%s}" % tensor("x", "BOOL", [2], 0, 2), b"\1\2"),
    "bad_key": safetensors('{"x":{"dtype":"U8","shape":[],"data_offsets":[0,1],"more":0}}', b"a"),
    "duplicate": safetensors("{%s,%s}" % (X, X), b"ab"),
    "duplicate_key": safetensors('{"x":{"dtype":"U8","dtype":"U8"}}'),
    "duplicate_metadata": safetensors('{"__metadata__":{"a":"b","a":"b"}}'),
    "overlap": safetensors("{%s,%s}" % (X, tensor("y", "U8", [2], 1, 3)), b"abc"),
    "hole": safetensors("{%s,%s}" % (X, tensor("y", "U8", [2], 3, 5)), b"abcde"),
    "truncated": safetensors("{%s}" % X, b"a"),
    "trailing": safetensors("{%s}" % X, b"abc"),
    "backwards": safetensors("{%s}" % tensor("x", "U8", [0], 2, 0), b"ab"),
    "negative": safetensors("{%s}" % tensor("x", "U8", [-1], 0, 0)),
    "float": safetensors("{%s}" % tensor("x", "U8", [1.0], 0, 1), b"a"),
    "overflow": safetensors("{%s}" % tensor("x", "F32", [2**32, 2**32], 0, 0)),
    "overflow_empty": safetensors("{%s}" % tensor("x", "F32", [2**63 - 1, 2**63 - 1, 0], 0, 0)),
    "overflow_offsets": safetensors("{%s}" % tensor("x", "F32", [1], 0, 2**64 - 1)),
    "rank9": safetensors("{%s}" % tensor("x", "U8", [1] * 9, 0, 1), b"a"),
    "nested": safetensors('{"x":{"shape":' + "[" * 200),
    "long_header": struct.pack("<Q", 2**64 - 1) + b"{}",
}


def main():
    for reader, seeds in (("idx", IDX), ("npy", NPY), ("safetensors", SAFETENSORS)):
        folder = os.path.join(sys.argv[1], reader)
        os.makedirs(folder, exist_ok=True)
        for name, content in seeds.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)


if __name__ == "__main__":
    main()
