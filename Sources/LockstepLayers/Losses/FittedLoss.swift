import LockstepCatalog
import LockstepEngine
import LockstepFiles

/// A loss with weights that follow from how often labels occur in the training part, or from the names of
/// classes.
package protocol FittedLoss: LossFunction {
  /// Whether the weights are still to be made.
  var needsFitting: Bool { get }
  /// Whether labels are to be counted for them.
  var countsLabels: Bool { get }

  /// The loss with its weights.
  ///
  /// - Parameters:
  ///   - counts: how often each class, or label, occurs in the training part; nil where that is not known.
  ///   - rows: the number of labels that were counted.
  ///   - names: the names of the classes, where they have names.
  /// - Throws: `GraphError` where no weights can be made.
  func fitted(
    counts: [Int]?, rows: Int, names: [String]?
  ) throws(GraphError) -> any LossFunction
}

/// The weights of classes: given in their order, by their names, or balanced.
package enum ClassWeights: Sendable, Equatable {
  /// A weight a class, in the order of their numbers.
  case given([Float])
  /// Weights by names; classes that are not named have 1.
  case named([String: Float])
  /// rows / (classes · rows of the class), over the classes that occur. (scikit-learn's `balanced`.)
  case balanced

  /// The weights in the order of the classes.
  package func values(
    of owner: String, counts: [Int]?, rows: Int, names: [String]?
  ) throws(GraphError) -> [Float] {
    switch self {
    case .given(let weights): return weights
    case .named(let weights):
      guard let names = names ?? counts.map({ $0.indices.map(String.init) }) else {
        throw GraphError("\(owner): weights by names need classes with names; give a list")
      }
      if let unknown = weights.keys.sorted().first(where: { !names.contains($0) }) {
        let hint = NearestName.find(unknown, among: names).map { "; did you mean '\($0)'?" } ?? ""
        throw GraphError(
          "\(owner): a weight is given for '\(unknown)', which is no class of the training part\(hint)"
        )
      }
      return names.map { weights[$0] ?? 1 }
    case .balanced:
      guard let counts, rows > 0 else {
        throw GraphError(
          "\(owner): balanced weights need the counts of the training part's classes, which these weights "
            + "were saved without: give 'classWeights' as numbers")
      }
      let present = Double(counts.count { $0 > 0 })
      return counts.map { $0 > 0 ? Float(Double(rows) / (present * Double($0))) : 1 }
    }
  }
}

extension ClassWeights: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    if value?.stringValue == "balanced" {
      self = .balanced
    } else if let object = value?.objectValue {
      self = .named(
        object.members.reduce(into: [:]) { $0[$1.key] = $1.value.doubleValue.map { Float($0) } })
    } else if let weights = [Float](hyperparameter: value) {
      self = .given(weights)
    } else {
      return nil
    }
  }
}
