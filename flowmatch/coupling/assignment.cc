#include "flowmatch/coupling/assignment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace flowmatch {
namespace {

constexpr int32_t kNone = -1;

// Rows and columns carry dual prices with price(row) + price(column) ≤ cost everywhere and equality
// on assigned pairs; once all rows are assigned, the assignment is therefore optimal. Only the
// columns' prices are stored; any prices will do to begin with, but good ones leave little to do:
// an auction finds them roughly, shortest paths make them exact.
class Solver {
 public:
  Solver(const double* cost, int32_t n)
      : cost_(cost),
        n_(n),
        price_(cost, cost + n),
        column_of_(Size()),
        row_of_(Size()),
        distance_(Size()),
        previous_(Size()),
        columns_(Size()) {}

  std::vector<int64_t> Solve() {
    for (int32_t i = 1; i < n_; ++i) {
      for (size_t j = 0; j < Size(); ++j) price_[j] = std::min(price_[j], Row(i)[j]);
    }
    // Fractions of the typical spread of a row, chosen by counting the rows looked at on points of
    // the plane and of high dimension, uniform and integer costs: two to twenty times fewer than
    // without auctions.
    double increment = 0.1 * TypicalSpread();
    for (int round = 0; round < 3 && increment > 0; ++round, increment /= 5) HoldAuction(increment);
    std::vector<int32_t> roots = ReleaseAll();
    while (!roots.empty()) roots = Augment(std::move(roots));
    return {column_of_.begin(), column_of_.end()};
  }

 private:
  static size_t At(int32_t i) { return static_cast<size_t>(i); }
  size_t Size() const { return At(n_); }
  const double* Row(int32_t i) const { return cost_ + At(i) * Size(); }

  void Assign(int32_t row, int32_t column) {
    column_of_[At(row)] = column;
    row_of_[At(column)] = row;
  }

  // Nothing assigned; returns all rows.
  std::vector<int32_t> ReleaseAll() {
    std::fill(column_of_.begin(), column_of_.end(), kNone);
    std::fill(row_of_.begin(), row_of_.end(), kNone);
    std::vector<int32_t> rows(Size());
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
  }

  // The median over rows of mean − smallest of cost − price; single outliers do not matter.
  double TypicalSpread() const {
    std::vector<double> spreads(Size());
    for (int32_t i = 0; i < n_; ++i) {
      double sum = 0, smallest = std::numeric_limits<double>::infinity();
      for (size_t j = 0; j < Size(); ++j) {
        const double value = Row(i)[j] - price_[j];
        sum += value;
        smallest = std::min(smallest, value);
      }
      spreads[At(i)] = sum / n_ - smallest;
    }
    const auto middle = spreads.begin() + n_ / 2;
    std::nth_element(spreads.begin(), middle, spreads.end());
    return *middle;
  }

  // D. P. Bertsekas, "The auction algorithm", Annals of Operations Research 14 (1988): each row
  // without a column takes its best one from whoever has it and lowers that column's price until
  // its second best is better by `increment`; the row driven out bids next.
  void HoldAuction(double increment) {
    std::vector<int32_t> bidders = ReleaseAll();
    // Bidding wars (rows that like two columns equally) are left to the shortest paths.
    for (int64_t bids = 0; !bidders.empty() && bids < 30 * static_cast<int64_t>(n_); ++bids) {
      const int32_t i = bidders.back();
      bidders.pop_back();
      const Bid bid = BestColumns(i);
      if (n_ > 1) price_[At(bid.best)] -= bid.second_value - bid.best_value + increment;
      const int32_t loser = row_of_[At(bid.best)];
      Assign(i, bid.best);
      if (loser == kNone) continue;
      column_of_[At(loser)] = kNone;
      bidders.push_back(loser);
    }
  }

  struct Bid {
    int32_t best;
    double best_value, second_value;  // cost − price of the best and the second best column
  };

  Bid BestColumns(int32_t i) const {
    const double* row = Row(i);
    Bid bid{0, row[0] - price_[0], std::numeric_limits<double>::infinity()};
    for (int32_t j = 1; j < n_; ++j) {
      const double value = row[j] - price_[At(j)];
      if (value >= bid.second_value) continue;
      if (value < bid.best_value) {
        bid = {j, value, bid.best_value};
      } else {
        bid.second_value = value;
      }
    }
    return bid;
  }

  // Grows trees of alternating paths from all rows without a column at once (Dijkstra's algorithm
  // on reduced costs) until the nearest columns without a row are reached, and flips one path in
  // each tree that reached one; trees share no column. Growing one tree after the other would look
  // at several times as many rows, because points of a plane compete with their neighbours only.
  // Returns the rows that are still without a column.
  std::vector<int32_t> Augment(std::vector<int32_t> roots) {
    roots = PlantRoots(std::move(roots));
    const size_t wanted = roots.size();
    // columns_ is [0, scanned): final distance, row followed; [scanned, ready): final distance;
    // [ready, n): the rest.
    std::iota(columns_.begin(), columns_.end(), 0);
    size_t scanned = 0, ready = 0, settled = 0;
    double reached = 0;
    std::vector<int32_t> ends;
    std::vector<bool> done(Size(), false);  // roots of trees with an end
    for (size_t free_columns = 0; free_columns < wanted && ends.size() < wanted;) {
      if (scanned == ready) {
        settled = scanned;
        ready = SettleNearest(scanned);
        reached = distance_[At(columns_[scanned])];
      }
      const int32_t column = columns_[scanned++];
      if (row_of_[At(column)] != kNone) {
        FollowRow(column, reached, ready);
        continue;
      }
      ++free_columns;
      const size_t root = At(RootOf(column));
      if (!done[root]) ends.push_back(column);
      done[root] = true;
    }
    for (size_t k = 0; k < settled; ++k) {
      const size_t j = At(columns_[k]);
      price_[j] += distance_[j] - reached;
    }
    for (const int32_t end : ends) FlipPath(end);
    std::erase_if(roots, [&](int32_t i) { return column_of_[At(i)] != kNone; });
    return roots;
  }

  // Sets each column's distance to the nearest of the roots, a root's cheapest column being at
  // distance 0. A root whose cheapest column is free takes it; returns the others.
  std::vector<int32_t> PlantRoots(std::vector<int32_t> roots) {
    std::fill(distance_.begin(), distance_.end(), std::numeric_limits<double>::infinity());
    std::vector<int32_t> left_over;
    for (const int32_t i : roots) {
      const double* row = Row(i);
      double smallest = std::numeric_limits<double>::infinity();
      int32_t free_column = kNone;
      for (int32_t j = 0; j < n_; ++j) {
        const double value = row[j] - price_[At(j)];
        if (value > smallest) continue;
        if (value < smallest) free_column = kNone;
        smallest = value;
        if (row_of_[At(j)] == kNone) free_column = j;
      }
      if (free_column != kNone) {
        Assign(i, free_column);
        continue;
      }
      left_over.push_back(i);
      for (size_t j = 0; j < Size(); ++j) {
        const double value = row[j] - price_[j] - smallest;
        if (value >= distance_[j]) continue;
        distance_[j] = value;
        previous_[j] = i;
      }
    }
    return left_over;
  }

  int32_t RootOf(int32_t column) const {
    int32_t i = previous_[At(column)];
    while (column_of_[At(i)] != kNone) i = previous_[At(column_of_[At(i)])];
    return i;
  }

  // Gives each row on the path from the root to `column` the next column on it.
  void FlipPath(int32_t column) {
    while (column != kNone) {
      const int32_t i = previous_[At(column)];
      const int32_t freed = column_of_[At(i)];
      Assign(i, column);
      column = freed;
    }
  }

  // Moves the columns with the smallest distance to the front of [begin, n); returns the end of
  // their range.
  size_t SettleNearest(size_t begin) {
    size_t end = begin + 1;
    double smallest = distance_[At(columns_[begin])];
    for (size_t k = begin + 1; k < Size(); ++k) {
      const double d = distance_[At(columns_[k])];
      if (d > smallest) continue;
      if (d < smallest) {
        smallest = d;
        end = begin;
      }
      std::swap(columns_[k], columns_[end++]);
    }
    return end;
  }

  // Shortens the distances of the open columns by way of the row that has `column`; columns as near
  // as `reached` join the ready ones.
  void FollowRow(int32_t column, double reached, size_t& ready) {
    const int32_t i = row_of_[At(column)];
    const double* row = Row(i);
    const double offset = row[column] - price_[At(column)] - reached;
    for (size_t k = ready; k < Size(); ++k) {
      const int32_t j = columns_[k];
      const double d = row[j] - price_[At(j)] - offset;
      if (d >= distance_[At(j)]) continue;
      distance_[At(j)] = d;
      previous_[At(j)] = i;
      if (d <= reached) std::swap(columns_[k], columns_[ready++]);
    }
  }

  const double* cost_;
  int32_t n_;
  std::vector<double> price_;
  std::vector<int32_t> column_of_, row_of_;
  // Of one search: distance to each column, the row before it, and the columns in order of
  // treatment.
  std::vector<double> distance_;
  std::vector<int32_t> previous_, columns_;
};

}  // namespace

std::vector<int64_t> SolveAssignment(std::span<const double> cost, int64_t n) {
  if (n < 0 || n > std::numeric_limits<int32_t>::max() ||
      cost.size() != static_cast<size_t>(n) * static_cast<size_t>(n)) {
    throw std::invalid_argument("SolveAssignment: " + std::to_string(cost.size()) +
                                " costs for n = " + std::to_string(n) + "; expected n × n");
  }
  double largest = 0;
  for (size_t k = 0; k < cost.size(); ++k) {
    if (!std::isfinite(cost[k])) {
      throw std::invalid_argument(
          "SolveAssignment: cost[" + std::to_string(k / static_cast<size_t>(n)) + ", " +
          std::to_string(k % static_cast<size_t>(n)) + "] is " + std::to_string(cost[k]));
    }
    largest = std::max(largest, std::abs(cost[k]));
  }
  if (n == 0) return {};
  // Prices grow up to n times the largest cost; a power of two keeps them finite and changes
  // nothing else.
  constexpr double kLargest = 1e290;
  if (largest <= kLargest) return Solver(cost.data(), static_cast<int32_t>(n)).Solve();
  std::vector<double> scaled(cost.begin(), cost.end());
  for (double& c : scaled) c *= 0x1p-64;
  return Solver(scaled.data(), static_cast<int32_t>(n)).Solve();
}

}  // namespace flowmatch
