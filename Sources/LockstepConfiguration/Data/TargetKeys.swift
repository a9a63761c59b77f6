import LockstepCatalog
import LockstepDatasets
import LockstepFiles

/// What the keys about a table's target say, alike for all tables.
struct TargetKeys {
  /// What the target means.
  let kind: TargetKind
  /// The classes, where they are given.
  let classes: ClassNames?
  /// Whether numbers are brought to mean 0 and deviation 1.
  let standardizes: Bool

  /// - Throws: `ConfigurationError` for keys that do not go with the kind.
  init(_ values: Hyperparameters) throws {
    kind = values["targetKind"]
    standardizes = values["standardizeTarget"]
    classes = try Self.classes(values, kind)
    if standardizes, kind != .values {
      throw values.error(
        "standardizeTarget", "goes with the target kind 'values'; found '\(kind.rawValue)'")
    }
  }

  /// `classes`: their number, or their names in the order of their numbers.
  static func classes(
    _ values: Hyperparameters, _ kind: TargetKind
  ) throws -> ClassNames? {
    guard values.contains("classes") else { return nil }
    guard kind == .classes else {
      throw values.error(
        "classes", "goes with the target kind 'classes'; found '\(kind.rawValue)'")
    }
    let given: CountOrNames = values["classes"]
    switch given {
    case .count(let count): return ClassNames(count: count)
    case .names(let names):
      do throws(DatasetError) { return try ClassNames(names: names) } catch {
        throw values.error("classes", "cannot be used: \(error.reason)")
      }
    }
  }
}

extension Hyperparameter {
  /// What one target a row means.
  static var targetKind: Self {
    .with("targetKind", .choice(["classes", "values"]), "classes", "what the target is")
  }

  /// Whether a target of numbers is standardised.
  static var standardizeTarget: Self {
    .with(
      "standardizeTarget", .boolean, false,
      "whether a target of numbers is brought to mean 0 and deviation 1 for the model, and back in "
        + "predictions")
  }

  /// The classes of a target.
  static var targetClasses: Self {
    .optional(
      "classes", .either(.integer(1...1_000_000), .texts),
      "their number, or their names; those of the training part if absent")
  }
}

extension Hyperparameters {
  /// `lengths`: those that sequences are padded to; nil where they are not given.
  ///
  /// - Throws: `ConfigurationError` unless they ascend.
  func paddedLengths() throws -> [Int]? {
    let lengths: [Int]? = self["lengths"]
    if let lengths, PaddedLengths(lengths) == nil {
      throw error("lengths", "must ascend; found \(lengths)")
    }
    return lengths
  }
}

extension TargetKind: HyperparameterValue {}

/// What `classes` of a table holds.
private enum CountOrNames: HyperparameterValue {
  case count(Int)
  case names([String])

  init?(hyperparameter value: JSONValue?) {
    if let count = value?.integerValue {
      self = .count(count)
    } else if let names = [String](hyperparameter: value) {
      self = .names(names)
    } else {
      return nil
    }
  }
}
