// The strided copy of convert.h. Included by convert.cc and by the files of each instruction set:
// everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_STRIDED_COPY_H_
#define AUTOGRAD_KERNELS_STRIDED_COPY_H_

#include <stdint.h>

namespace autograd::kernels {
namespace {

// Elements are moved as unsigned integers of their size.
template <class Word>
struct Layout {
  const Word* src;
  int64_t src_row, src_column;
  Word* dst;
  int64_t dst_row, dst_column;
  int64_t rows, columns;
};

template <class Word>
Layout<Word> Swapped(const Layout<Word>& l) {
  return {l.src, l.src_column, l.src_row, l.dst, l.dst_column, l.dst_row, l.columns, l.rows};
}

template <class Word>
void CopyRows(const Layout<Word>& l) {
  if (l.src_row == l.columns && l.dst_row == l.columns) {
    __builtin_memcpy(l.dst, l.src, static_cast<uint64_t>(l.rows * l.columns) * sizeof(Word));
    return;
  }
  for (int64_t i = 0; i < l.rows; ++i) {
    const Word* __restrict from = l.src + i * l.src_row;
    Word* __restrict to = l.dst + i * l.dst_row;
    for (int64_t j = 0; j < l.columns; ++j) to[j] = from[j];
  }
}

template <class Word>
void CopyElements(const Layout<Word>& l) {
  for (int64_t i = 0; i < l.rows; ++i) {
    const Word* __restrict from = l.src + i * l.src_row;
    Word* __restrict to = l.dst + i * l.dst_row;
    for (int64_t j = 0; j < l.columns; ++j) to[j * l.dst_column] = from[j * l.src_column];
  }
}

// A square of one cache line's elements: each line read or written is used whole at once.
template <class Word>
constexpr int64_t kTile = 64 / static_cast<int64_t>(sizeof(Word)) > 16
                              ? 16
                              : 64 / static_cast<int64_t>(sizeof(Word));

// One tile, or the part of one at the matrix' edge. Square::Transpose(src, src_row, dst,
// dst_column) moves a square of Square::kSize elements a side.
template <class Word, class Square>
void TransposeTile(const Layout<Word>& l, int64_t top, int64_t bottom, int64_t left,
                   int64_t right) {
  if (bottom - top == kTile<Word> && right - left == kTile<Word>) {
    for (int64_t q = left; q < right; q += Square::kSize) {
      for (int64_t p = top; p < bottom; p += Square::kSize) {
        Square::Transpose(l.src + p * l.src_row + q, l.src_row, l.dst + q * l.dst_column + p,
                          l.dst_column);
      }
    }
    return;
  }
  for (int64_t q = left; q < right; ++q) {
    for (int64_t p = top; p < bottom; ++p) {
      l.dst[q * l.dst_column + p] = l.src[p * l.src_row + q];
    }
  }
}

// src_column = 1 and dst_row = 1. Panels of a few tiles' columns go down all the rows, so that the
// pages they are written to stay few, and each is written in order.
template <class Word, class Square>
void Transpose(const Layout<Word>& l) {
  constexpr int64_t kSize = kTile<Word>, kPanel = 4 * kSize;
  for (int64_t panel = 0; panel < l.columns; panel += kPanel) {
    const int64_t end = panel + kPanel < l.columns ? panel + kPanel : l.columns;
    for (int64_t i = 0; i < l.rows; i += kSize) {
      const int64_t bottom = i + kSize < l.rows ? i + kSize : l.rows;
      for (int64_t j = panel; j < end; j += kSize) {
        TransposeTile<Word, Square>(l, i, bottom, j, j + kSize < end ? j + kSize : end);
      }
    }
  }
}

// One element at a time, for sizes without a better way.
template <class Word>
struct PlainSquare {
  static constexpr int64_t kSize = kTile<Word>;
  static void Transpose(const Word* src, int64_t src_row, Word* dst, int64_t dst_column) {
    for (int64_t q = 0; q < kSize; ++q) {
      for (int64_t p = 0; p < kSize; ++p) dst[q * dst_column + p] = src[p * src_row + q];
    }
  }
};

template <class Word, class Square>
void CopyWords(const Layout<Word>& l) {
  if (l.src_column == 1 && l.dst_column == 1) {
    CopyRows(l);
  } else if (l.src_row == 1 && l.dst_row == 1) {
    CopyRows(Swapped(l));
  } else if (l.src_column == 1 && l.dst_row == 1) {
    Transpose<Word, Square>(l);
  } else if (l.src_row == 1 && l.dst_column == 1) {
    Transpose<Word, Square>(Swapped(l));
  } else if (l.dst_row == 1 && l.dst_column != 1) {
    CopyElements(Swapped(l));
  } else {
    CopyElements(l);
  }
}

// Square4 and Square8 transpose 4- and 8-byte elements.
template <class Square4, class Square8>
void StridedCopy(const void* src, int64_t src_row, int64_t src_column, void* dst, int64_t dst_row,
                 int64_t dst_column, int64_t rows, int64_t columns, int64_t element_size) {
  auto copy = [=]<class Word, class Square>(Word, Square) {
    CopyWords<Word, Square>({static_cast<const Word*>(src), src_row, src_column,
                             static_cast<Word*>(dst), dst_row, dst_column, rows, columns});
  };
  switch (element_size) {
    case 1:
      return copy(uint8_t{}, PlainSquare<uint8_t>{});
    case 2:
      return copy(uint16_t{}, PlainSquare<uint16_t>{});
    case 4:
      return copy(uint32_t{}, Square4{});
    default:
      return copy(uint64_t{}, Square8{});
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_STRIDED_COPY_H_
