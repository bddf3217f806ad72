#include "flowmatch/solver/tableau.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace flowmatch {
namespace {

Tableau MakeTableau(OdeMethod method) {
  switch (method) {
    case OdeMethod::kEuler:
      return {{0}, {{}}, {1}, {}};
    case OdeMethod::kMidpoint:
      return {{0, 1. / 2}, {{}, {1. / 2}}, {0, 1}, {}};
    case OdeMethod::kHeun2:
      return {{0, 1}, {{}, {1}}, {1. / 2, 1. / 2}, {}};
    case OdeMethod::kHeun3:
      return {{0, 1. / 3, 2. / 3}, {{}, {1. / 3}, {0, 2. / 3}}, {1. / 4, 0, 3. / 4}, {}};
    case OdeMethod::kRk4:
      return {{0, 1. / 2, 1. / 2, 1},
              {{}, {1. / 2}, {0, 1. / 2}, {0, 0, 1}},
              {1. / 6, 1. / 3, 1. / 3, 1. / 6},
              {}};
    case OdeMethod::kRk438:
      return {{0, 1. / 3, 2. / 3, 1},
              {{}, {1. / 3}, {-1. / 3, 1}, {1, -1, 1}},
              {1. / 8, 3. / 8, 3. / 8, 1. / 8},
              {}};
    case OdeMethod::kDopri5: {
      Tableau t;
      t.c = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
      t.b = {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0};
      t.a = {{},
             {1. / 5},
             {3. / 40, 9. / 40},
             {44. / 45, -56. / 15, 32. / 9},
             {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
             {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
             {t.b.begin(), t.b.end() - 1}};
      const double lower[] = {5179. / 57600,    0,           7571. / 16695, 393. / 640,
                              -92097. / 339200, 187. / 2100, 1. / 40};
      for (size_t i = 0; i < t.b.size(); ++i) t.error.push_back(t.b[i] - lower[i]);
      return t;
    }
  }
  throw std::invalid_argument("TableauOf: unknown method");
}

constexpr OdeMethod kMethods[] = {OdeMethod::kEuler, OdeMethod::kMidpoint, OdeMethod::kHeun2,
                                  OdeMethod::kHeun3, OdeMethod::kRk4,      OdeMethod::kRk438,
                                  OdeMethod::kDopri5};

}  // namespace

const Tableau& TableauOf(OdeMethod method) {
  static const std::vector<Tableau>& tableaux = *[] {
    auto* all = new std::vector<Tableau>;
    for (const OdeMethod each : kMethods) all->push_back(MakeTableau(each));
    return all;
  }();
  return tableaux[static_cast<size_t>(method)];
}

std::vector<double> Dopri5DenseWeights(double theta) {
  const std::vector<double>& b = TableauOf(OdeMethod::kDopri5).b;
  // The continuous extension is Hermite's cubic through both ends plus theta^2 (1 - theta)^2 sum_i
  // d_i k_i.
  constexpr double d[] = {-12715105075. / 11282082432.,  0,
                          87487479700. / 32700410799.,   -10690763975. / 1880347072.,
                          701980252875. / 199316789632., -1453857185. / 822651844.,
                          69997945. / 29380423.};
  const double rest = 1 - theta;
  std::vector<double> weights;
  for (size_t i = 0; i < 7; ++i) {
    const double first = i == 0 ? 1 : 0, last = i == 6 ? 1 : 0;
    weights.push_back(theta * (b[i] + rest * (first - b[i] + theta * (2 * b[i] - first - last) +
                                              theta * rest * d[i])));
  }
  return weights;
}

const char* OdeMethodName(OdeMethod method) {
  constexpr const char* kNames[] = {"euler", "midpoint", "heun2", "heun3",
                                    "rk4",   "rk4_38",   "dopri5"};
  return kNames[static_cast<size_t>(method)];
}

absl::StatusOr<OdeMethod> OdeMethodByName(absl::string_view name) {
  for (const OdeMethod method : kMethods) {
    if (name == OdeMethodName(method)) return method;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("solver '", name,
                   "' is unknown; expected euler, midpoint, heun2, heun3, rk4, rk4_38 or dopri5"));
}

}  // namespace flowmatch
