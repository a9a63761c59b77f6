/// What is wrong with the state of a run.
package enum StateError: Error, Equatable, CustomStringConvertible {
  /// Two components use one name.
  case duplicateName(String)
  /// Ranks hold different values: `ranks` other ones than most, of which `reference` is the lowest.
  case replicasDiffer(tensor: String, ranks: [Int], reference: Int = 0, step: Int? = nil)
  /// What one rank alone holds changed while nobody updated it; `rank` is nil for what ranks share.
  case sealBroken(tensor: String, rank: Int?, step: Int)
  /// The ranks' parts of a tensor do not make up the tensor.
  case partsDoNotFit(tensor: String)
  /// Ranks registered different tensors.
  case registriesDiffer(counts: [Int])

  package var description: String {
    switch self {
    case .duplicateName(let name):
      return "two pieces of state are named '\(name)'; names must be unique"
    case .replicasDiffer(let tensor, let ranks, let reference, let step):
      let list = ranks.map(String.init).joined(separator: ", ")
      return (step.map { "step \($0): " } ?? "")
        + "\(tensor) on rank\(ranks.count == 1 ? "" : "s") \(list) differs from rank \(reference): "
        + "the replicas have drifted apart"
    case .sealBroken(let tensor, let rank, let step):
      let place = rank.map { "on rank \($0)" } ?? "in the memory that the ranks share"
      return "step \(step): \(tensor) \(place) changed since the step's end, and nobody updated "
        + "it: the memory cannot be trusted"
    case .partsDoNotFit(let tensor):
      return "the ranks' parts of \(tensor) do not make up the tensor: the update must own the "
        + "blocks that the fold's plan gives its rank"
    case .registriesDiffer(let counts):
      return "the ranks hold different tensors (\(counts) of them): they run different models or "
        + "programs"
    }
  }
}
