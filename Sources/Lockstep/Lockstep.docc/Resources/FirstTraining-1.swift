import Lockstep

struct Classifier: Model {
  let conv = Conv2d(16, kernel: 3, padding: .same)
  let norm = BatchNorm2d()
  let hidden = Linear(64, constraint: .maxNorm(2))
  let head = Linear(10)
}
