import LockstepEngine

extension WeightConstraint {
  /// Which axes of a tensor, in PyTorch's layout, a norm runs over.
  ///
  /// Keras's axes are those of a dense (in, out) or convolution (spatial…, in, out) weight; of a
  /// vector they are the same. Negative axes count from the end.
  func reducedAxes(of slot: FlatLayout.Slot, owner: String) throws -> [Bool] {
    let rank = slot.shape.count
    var reduced = Array(repeating: false, count: rank)
    let given: [Int]
    switch axes {
    case .unit:
      for axis in 0..<rank { reduced[axis] = rank < 2 || axis > 0 }
      return reduced
    case .all: return Array(repeating: true, count: rank)
    case .axes(let list), .keras(let list): given = list
    }
    for axis in given {
      let positive = axis < 0 ? axis + rank : axis
      guard positive >= 0, positive < rank else {
        throw HyperparameterError(
          owner: owner, key: "axes", value: "\(given)",
          problem: "must lie in 0..<\(rank), the axes of shape \(slot.shape)")
      }
      var place = positive
      if case .keras = axes, rank > 1 {
        place = positive == rank - 1 ? 0 : positive == rank - 2 ? 1 : positive + 2
      }
      guard !reduced[place] else {
        throw HyperparameterError(
          owner: owner, key: "axes", value: "\(given)", problem: "names an axis twice")
      }
      reduced[place] = true
    }
    guard !given.isEmpty || rank == 0 else {
      throw HyperparameterError(
        owner: owner, key: "axes", value: "[]", problem: "must name at least one axis")
    }
    return reduced
  }
}
