import LockstepFiles

/// Something that configurations can name: what it is called, its keys, and how it is made. It is
/// declared beside the type that it makes.
package struct Entry<Product>: Sendable {
  /// The name and the keys.
  package let variant: Form.Variant
  let build: @Sendable (Hyperparameters) throws -> Product

  /// The name in configurations.
  package var name: String { variant.name }
  /// The keys, in the order they are shown.
  package var hyperparameters: [Hyperparameter] { variant.hyperparameters }

  /// - Parameters:
  ///   - name: the name in configurations.
  ///   - summary: one line for people.
  ///   - build: makes it of values that fit the keys; throws where they do not fit each other.
  package init(
    _ name: String, _ summary: String, _ hyperparameters: [Hyperparameter] = [],
    build: @escaping @Sendable (Hyperparameters) throws -> Product
  ) {
    variant = Form.Variant(name, summary, hyperparameters)
    self.build = build
  }
}

/// The things of one kind that configurations can name.
package struct Catalog<Product>: Sendable {
  /// What is named, in the order it is shown.
  package let entries: [Entry<Product>]
  /// What an object that names one may hold.
  package private(set) var form: Form
  private var check: (@Sendable (Product, Hyperparameters) throws -> Void)?

  /// - Parameters:
  ///   - name: what one of it is called, `layer`.
  ///   - fallback: the name where none is given.
  ///   - keys: keys that all have.
  package init(
    _ name: String, _ entries: [Entry<Product>], fallback: String? = nil,
    beside keys: [Hyperparameter] = []
  ) {
    self.entries = entries
    form = Form(name, variants: entries.map(\.variant), fallback: fallback, beside: keys)
  }

  /// The same, where a number in an object's place is told what it was likely meant to be.
  package func number(_ meaning: @escaping @Sendable (JSONValue) -> JSONValue) -> Self {
    var other = self
    other.form.numberMeans = meaning
    return other
  }

  /// The same, where whatever is made must pass a check.
  package func checked(
    _ check: @escaping @Sendable (Product, Hyperparameters) throws -> Void
  ) -> Self {
    var other = self
    other.check = check
    return other
  }

  /// Makes what an object says.
  ///
  /// - Throws: `ConfigurationError` that names the key whose value does not fit the others.
  package func make(_ values: Hyperparameters) throws(ConfigurationError) -> Product {
    guard let entry = entries.first(where: { $0.name == values.name }) else {
      preconditionFailure("'\(values.name)' was read by the form of another catalog")
    }
    return try values.make {
      let made = try entry.build(values)
      try check?(made, values)
      return made
    }
  }

  /// Makes what a name and some of its values say.
  package func make(
    _ name: String, _ values: JSONObject = [:]
  ) throws(ConfigurationError) -> Product {
    var object = values
    object[form.choiceKey] = .string(name)
    let reader = try ConfigurationReader(.object(object), source: name)
    let read = try form.read(reader)
    try reader.finish()
    return try make(read)
  }
}

extension Hyperparameters {
  /// What a catalog makes of the object under a key, or nil where there is none.
  package func make<Product>(
    _ key: String, _ catalog: Catalog<Product>
  ) throws(ConfigurationError) -> Product? {
    guard let object = object(key) else { return nil }
    return try catalog.make(object)
  }
}
