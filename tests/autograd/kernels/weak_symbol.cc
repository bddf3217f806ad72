// An inline function that stays a symbol: what weak_symbols_test.sh has to find.
namespace autograd::kernels {

__attribute__((noinline)) inline int Weak() { return 1; }

int CallsWeak();
int CallsWeak() { return Weak(); }

}  // namespace autograd::kernels
