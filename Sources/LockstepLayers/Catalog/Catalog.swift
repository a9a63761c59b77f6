import LockstepEngine

/// A table of types that configurations can name: what hyperparameters they take, and how they are
/// made.
public struct Catalog<Product>: Sendable {
  /// One type of a catalog.
  public struct Entry: Sendable {
    /// The name in configurations.
    public let type: String
    /// One line for people.
    public let summary: String
    /// The hyperparameters that the type takes, in the order they are shown.
    public let hyperparameters: [LayerHyperparameter]
    let build: @Sendable (Hyperparameters) throws(DescriptionError) -> Product

    init(
      _ type: String, _ summary: String, _ hyperparameters: [LayerHyperparameter] = [],
      build: @escaping @Sendable (Hyperparameters) throws(DescriptionError) -> Product
    ) {
      self.type = type
      self.summary = summary
      self.hyperparameters = hyperparameters
      self.build = build
    }
  }

  /// What the products are called in messages: "a layer".
  public let noun: String
  /// The types, in the order they are shown.
  public let entries: [Entry]

  /// The names of all types, in quotes.
  public var typeNames: String { entries.map { "'\($0.type)'" }.joined(separator: ", ") }

  /// The entry of a type's name, or nil.
  public func entry(_ type: String) -> Entry? { entries.first { $0.type == type } }

  /// Makes what a description says.
  ///
  /// - Parameters:
  ///   - path: where the description stands, for errors.
  ///   - also: keys that the caller has read itself.
  /// - Throws: ``DescriptionError`` for an unknown type or key, a missing or unfit value.
  public func make(
    _ description: TypedDescription, path: String = "", also: [String] = []
  ) throws(DescriptionError) -> Product {
    guard let entry = entry(description.type) else {
      throw DescriptionError(
        path: joined(path, "type"),
        reason: "must be \(noun), one of \(typeNames); found '\(description.type)'")
    }
    let known = entry.hyperparameters.map(\.key)
    for key in description.values.keys.sorted() where !known.contains(key) && !also.contains(key) {
      let all = known.isEmpty ? "it has none" : "known are " + known.joined(separator: ", ")
      throw DescriptionError(
        path: joined(path, key), reason: "is no hyperparameter of \(entry.type); \(all)")
    }
    var values: [String: DescriptionValue] = [:]
    for hyperparameter in entry.hyperparameters {
      let key = hyperparameter.key
      guard let value = description.values[key] else {
        if hyperparameter.isRequired {
          throw DescriptionError(
            path: joined(path, key),
            reason: "is missing from \(entry.type); it must be \(hyperparameter.expectation)")
        }
        values[key] = hyperparameter.defaultValue
        continue
      }
      guard hyperparameter.accepts(value) else {
        throw DescriptionError(
          path: joined(path, key),
          reason: "must be \(hyperparameter.expectation); found \(value.kind)")
      }
      values[key] = value
    }
    return try entry.build(Hyperparameters(path: path, values: values))
  }
}

/// The checked hyperparameters of one description, defaults filled in.
struct Hyperparameters {
  let path: String
  let values: [String: DescriptionValue]

  private func unfit<Value>(_ key: String) -> Value {
    preconditionFailure("the catalog reads '\(key)' by another kind than it declares")
  }

  func contains(_ key: String) -> Bool { values[key] != nil }
  func boolean(_ key: String) -> Bool {
    if case .boolean(let value) = values[key] { value } else { unfit(key) }
  }
  func optionalInteger(_ key: String) -> Int? {
    switch values[key] {
    case nil: nil
    case .integer(let value): value
    default: unfit(key)
    }
  }
  func integer(_ key: String) -> Int { optionalInteger(key) ?? unfit(key) }
  func float(_ key: String) -> Float {
    switch values[key] {
    case .integer(let value): Float(value)
    case .number(let value): Float(value)
    default: unfit(key)
    }
  }
  func text(_ key: String) -> String {
    if case .text(let value) = values[key] { value } else { unfit(key) }
  }
  func optionalIntegers(_ key: String) -> [Int]? {
    switch values[key] {
    case nil: nil
    case .integers(let values): values
    default: unfit(key)
    }
  }
  func integers(_ key: String) -> [Int] { optionalIntegers(key) ?? unfit(key) }
  func optionalPair(_ key: String) -> SpatialPair? {
    switch values[key] {
    case nil: nil
    case .integer(let value): SpatialPair(value)
    case .integers(let values): SpatialPair(values[0], values[1])
    default: unfit(key)
    }
  }
  func pair(_ key: String) -> SpatialPair { optionalPair(key) ?? unfit(key) }
  func padding(_ key: String) -> Padding {
    switch values[key] {
    case .text("same"): .same
    case .text: .valid
    default: .explicit(pair(key))
    }
  }
  /// A text as the case of an enumeration whose cases the catalog lists.
  func choice<Choice: RawRepresentable<String>>(_ key: String, _: Choice.Type) -> Choice {
    Choice(rawValue: text(key)) ?? unfit(key)
  }
  /// What a catalog makes of a nested description, or nil where there is none.
  func made<Product>(
    _ key: String, _ catalog: Catalog<Product>
  ) throws(DescriptionError) -> Product? {
    guard case .description(let description) = values[key] else { return nil }
    return try catalog.make(description, path: joined(path, key))
  }
  func constraint(_ key: String) -> WeightConstraint? {
    switch values[key] {
    case nil: nil
    case .constraint(let constraint): constraint
    default: unfit(key)
    }
  }
  func descriptions(_ key: String) -> [TypedDescription] {
    if case .descriptions(let list) = values[key] { list } else { [] }
  }
}

extension CaseIterable where Self: RawRepresentable<String> {
  /// The names of all cases.
  static var names: [String] { allCases.map(\.rawValue) }
}
