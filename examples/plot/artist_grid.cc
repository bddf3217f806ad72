// HeatMap and Tiles: values on a regular grid.
#include <stdexcept>
#include <utility>

#include "examples/plot/artist.h"

namespace examples::plot {
namespace {

class HeatMapArtist : public Artist {
 public:
  HeatMapArtist(const Series& values, int height, int width, const Extent& extent,
                const HeatMapStyle& style)
      : height_(height), width_(width), extent_(extent), style_(style) {
    if (height < 1 || width < 1 ||
        values.size() != static_cast<size_t>(height) * static_cast<size_t>(width)) {
      throw std::invalid_argument("HeatMap: " + std::to_string(values.size()) +
                                  " values for a grid of " + std::to_string(height) + " × " +
                                  std::to_string(width));
    }
    const double x_size = std::abs(extent.x1 - extent.x0), y_size = std::abs(extent.y1 - extent.y0);
    if (!(x_size > 0 && y_size > 0 && x_size < kLargest && y_size < kLargest)) {
      throw std::invalid_argument("HeatMap: an extent of " + std::to_string(extent.x0) + " … " +
                                  std::to_string(extent.x1) + " by " + std::to_string(extent.y0) +
                                  " … " + std::to_string(extent.y1));
    }
    DataRange range;
    values_.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      const double v = values[i];
      range.Add(v);
      // Infinities are the ends of the map.
      values_[i] = std::clamp(v, -kLargest, kLargest);
    }
    limits_ =
        Drawable({style.lo.value_or(range.lo), style.hi.value_or(range.any ? range.hi : 1)}, false);
  }

  void Draw(const Stage& stage) const override {
    const PixelRect& box = stage.box;
    const std::vector<Cell> columns =
        Cells(stage.x, box.x0, box.x1, extent_.x0, extent_.x1, width_);
    const std::vector<Cell> rows = Cells(stage.y, box.y0, box.y1, extent_.y0, extent_.y1, height_);
    const double factor = 1 / (limits_.hi - limits_.lo);
    for (int y = box.y0; y < box.y1; ++y) {
      const Cell& row = rows[static_cast<size_t>(y - box.y0)];
      if (row.nearest < 0) continue;
      for (int x = box.x0; x < box.x1; ++x) {
        const Cell& column = columns[static_cast<size_t>(x - box.x0)];
        if (column.nearest < 0) continue;
        stage.canvas.SetPixel(x, y,
                              MapColor(style_.map, (ValueAt(row, column) - limits_.lo) * factor));
      }
    }
  }

  void AddRange(bool log_y, DataRange& x, DataRange& y) const override {
    for (const double v : {extent_.x0, extent_.x1}) x.Add(v);
    for (const double v : {extent_.y0, extent_.y1}) y.Add(v, log_y);
  }

  bool WantsMargin() const override { return false; }
  bool CoversPanel() const override { return true; }
  std::optional<ColorBar> Bar() const override {
    if (!style_.color_bar) return std::nullopt;
    return ColorBar{style_.map, limits_, style_.color_bar_label};
  }

 private:
  // Where a pixel lies among the cells of one direction: its cell (−1 outside) and, for
  // interpolation, the two cells whose centres enclose it with the second one's weight.
  struct Cell {
    int nearest = -1, first = 0, second = 0;
    double weight = 0;
  };

  static std::vector<Cell> Cells(const AxisMap& map, int begin, int end, double lo, double hi,
                                 int count) {
    std::vector<Cell> cells(static_cast<size_t>(end - begin));
    for (int p = begin; p < end; ++p) {
      double v = map.start + (p + 0.5 - map.pixel) / map.slope;
      if (map.log) v = std::pow(10.0, v);
      const double position = (v - lo) / (hi - lo) * count;
      if (!(position >= 0 && position < count)) continue;
      Cell& cell = cells[static_cast<size_t>(p - begin)];
      cell.nearest = static_cast<int>(position);
      const double centred = std::clamp(position - 0.5, 0.0, static_cast<double>(count - 1));
      cell.first = static_cast<int>(centred);
      cell.second = std::min(cell.first + 1, count - 1);
      cell.weight = centred - cell.first;
    }
    return cells;
  }

  double At(int row, int column) const {
    return values_[static_cast<size_t>(row) * static_cast<size_t>(width_) +
                   static_cast<size_t>(column)];
  }

  // Where one of the four neighbours is missing the nearest cell decides alone, so that holes keep
  // their shape.
  double ValueAt(const Cell& row, const Cell& column) const {
    const double nearest = At(row.nearest, column.nearest);
    if (!style_.smooth) return nearest;
    // A missing neighbour does not matter where its weight is 0.
    const auto between = [](double a, double b, double w) {
      return w > 0 ? a * (1 - w) + b * w : a;
    };
    const double lower =
        between(At(row.first, column.first), At(row.first, column.second), column.weight);
    const double upper =
        between(At(row.second, column.first), At(row.second, column.second), column.weight);
    const double value = between(lower, upper, row.weight);
    return std::isnan(value) ? nearest : value;
  }

  int height_, width_;
  Extent extent_;
  HeatMapStyle style_;
  std::vector<double> values_;
  Limits limits_;
};

class TilesArtist : public Artist {
 public:
  TilesArtist(std::span<const float> pixels, int rows, int columns, int height, int width,
              int channels, const TilesStyle& style)
      : rows_(rows),
        columns_(columns),
        height_(height),
        width_(width),
        channels_(channels),
        style_(style) {
    const bool sizes_ok =
        rows > 0 && columns > 0 && height > 0 && width > 0 && (channels == 1 || channels == 3);
    size_t count = 1;
    for (const int n : {rows, columns, height, width, channels})
      count *= static_cast<size_t>(std::max(n, 0));
    if (!sizes_ok || pixels.size() != count) {
      throw std::invalid_argument("Tiles: " + std::to_string(pixels.size()) + " values for [" +
                                  std::to_string(rows) + " × " + std::to_string(columns) + ", " +
                                  std::to_string(height) + ", " + std::to_string(width) + ", " +
                                  std::to_string(channels) + "]; channels must be 1 or 3");
    }
    CheckLabels("column", style.column_labels.size(), columns);
    CheckLabels("row", style.row_labels.size(), rows);
    pixels_.assign(pixels.begin(), pixels.end());
  }

  void Draw(const Stage& stage) const override {
    const float size = static_cast<float>(13 * stage.scale);
    const double gap = std::round(style_.gap * stage.scale), pad = std::round(6 * stage.scale);
    double left = 0;
    for (const std::string& text : style_.row_labels) {
      left = std::max(left, std::ceil(stage.font.Width(text, size)) + pad);
    }
    const double top =
        style_.column_labels.empty() ? 0 : std::ceil(stage.font.CapHeight(size)) + pad;
    const double room_x = stage.box.width() - left - gap * (columns_ - 1);
    const double room_y = stage.box.height() - top - gap * (rows_ - 1);
    // Whole pixels for each block where there is room for that, so that all blocks are equally
    // large.
    double block = std::min(room_x / (columns_ * width_), room_y / (rows_ * height_));
    if (block >= 1) block = std::floor(block);
    if (!(block > 0)) return;
    const double step_x = width_ * block + gap, step_y = height_ * block + gap;
    const Point origin = {
        std::floor(stage.box.x0 + left + (room_x - columns_ * width_ * block) / 2),
        std::floor(stage.box.y0 + top + (room_y - rows_ * height_ * block) / 2)};
    for (int r = 0; r < rows_; ++r) {
      for (int c = 0; c < columns_; ++c) {
        DrawTile(stage.canvas, r * columns_ + c, {origin.x + c * step_x, origin.y + r * step_y},
                 block);
      }
    }
    for (size_t c = 0; c < style_.column_labels.size(); ++c) {
      const double x = origin.x + static_cast<double>(c) * step_x + width_ * block / 2;
      stage.canvas.DrawText(stage.font, style_.column_labels[c], x, origin.y - pad,
                            {.size = size, .h = HAlign::kCenter, .v = VAlign::kBaseline});
    }
    for (size_t r = 0; r < style_.row_labels.size(); ++r) {
      const double y = origin.y + static_cast<double>(r) * step_y + height_ * block / 2;
      stage.canvas.DrawText(stage.font, style_.row_labels[r], origin.x - pad, y,
                            {.size = size, .h = HAlign::kRight, .v = VAlign::kCenter});
    }
  }

  void AddRange(bool, DataRange&, DataRange&) const override {}
  bool WantsMargin() const override { return false; }
  bool CoversPanel() const override { return true; }

 private:
  static void CheckLabels(const char* what, size_t labels, int count) {
    if (labels == 0 || labels == static_cast<size_t>(count)) return;
    throw std::invalid_argument("Tiles: " + std::to_string(labels) + " " + what + " labels for " +
                                std::to_string(count) + " " + what + "s");
  }

  void DrawTile(Canvas& canvas, int tile, Point origin, double block) const {
    const size_t size = static_cast<size_t>(height_) * static_cast<size_t>(width_);
    const float* pixel =
        pixels_.data() + static_cast<size_t>(tile) * size * static_cast<size_t>(channels_);
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < width_; ++x, pixel += channels_) {
        const auto level = [](float v) { return std::isnan(v) ? 0.5f : std::clamp(v, 0.0f, 1.0f); };
        const Color color = channels_ == 3
                                ? Color{level(pixel[0]), level(pixel[1]), level(pixel[2])}
                                : Color{level(pixel[0]), level(pixel[0]), level(pixel[0])};
        canvas.FillRect(origin.x + x * block, origin.y + y * block, origin.x + (x + 1) * block,
                        origin.y + (y + 1) * block, color);
      }
    }
  }

  int rows_, columns_, height_, width_, channels_;
  TilesStyle style_;
  std::vector<float> pixels_;
};

}  // namespace

std::unique_ptr<Artist> MakeHeatMap(const Series& values, int height, int width,
                                    const Extent& extent, const HeatMapStyle& style) {
  return std::make_unique<HeatMapArtist>(values, height, width, extent, style);
}

std::unique_ptr<Artist> MakeTiles(std::span<const float> pixels, int rows, int columns, int height,
                                  int width, int channels, const TilesStyle& style) {
  return std::make_unique<TilesArtist>(pixels, rows, columns, height, width, channels, style);
}

}  // namespace examples::plot
