import LockstepEngine

/// A value of a graph while it is traced.
enum ImportedValue {
  /// Its numbers are known: shapes, masks, sizes.
  case constant(ONNXTensor)
  /// It follows from the inputs or from weights.
  case tensor(BatchedTensor)
  /// A matrix whose transpose is meant: a linear map takes it as it is.
  case turned(Tensor)
  /// A product x · wᵀ that a bias may still be added to.
  case product(x: BatchedTensor, weight: Tensor)
  /// Values in a list.
  case sequence([ImportedValue])
}

/// A tensor, and where in its axes the examples are.
struct BatchedTensor {
  let tensor: Tensor
  /// Known for files that were exported for one number of examples, which shapes in them repeat.
  let place: BatchPlace?

  init(_ tensor: Tensor, _ place: BatchPlace? = nil) {
    self.tensor = tensor
    self.place = place
  }

  var shape: [Int] { tensor.shape }
}

/// Where the examples are in the axes of a tensor.
///
/// An axis may hold more than the examples: of size outer · examples · inner, the last growing fastest.
struct BatchPlace: Equatable {
  let axis: Int
  var inner = 1

  /// The place in a tensor whose shape was changed to `target` for `count` examples.
  ///
  /// - Parameters:
  ///   - shape: the shape before, of any number of examples.
  ///   - target: the shape after.
  /// - Returns: nil where the examples are not together in one axis.
  func moved(from shape: [Int], to target: [Int], count: Int) -> BatchPlace? {
    // How many values there are from one example to the next.
    let distance = inner * shape[(axis + 1)...].reduce(1, *)
    var behind = 1
    var found: [BatchPlace] = []
    for axis in target.indices.reversed() {
      let whole = behind * target[axis]
      if distance % behind == 0, whole % (distance * count) == 0 {
        found.append(BatchPlace(axis: axis, inner: distance / behind))
      }
      behind = whole
    }
    // Of one example several axes may be meant: an axis of its own, else heads beside it, else the first.
    return found.first { target[$0.axis] == count && $0.inner == 1 }
      ?? found.first { target.count > 2 && $0.axis == axis } ?? found.last
  }

  /// The place behind a permutation of the axes.
  func permuted(_ permutation: [Int]) -> BatchPlace? {
    permutation.firstIndex(of: axis).map { BatchPlace(axis: $0, inner: inner) }
  }
}
