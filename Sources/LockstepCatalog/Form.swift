import LockstepFiles

/// What an object of a configuration may hold: keys, and a choice among things with keys of their own.
package struct Form: Sendable {
  /// One of the things that can be chosen: its name, and the keys that it takes.
  package struct Variant: Sendable {
    /// The name in configurations.
    package let name: String
    /// One line for people.
    package let summary: String
    /// The keys, in the order they are shown.
    package let hyperparameters: [Hyperparameter]

    package init(_ name: String, _ summary: String, _ hyperparameters: [Hyperparameter] = []) {
      self.name = name
      self.summary = summary
      self.hyperparameters = hyperparameters
    }
  }

  /// The name of the form in the schema, `layer`.
  package var name: String
  /// What the choice means, for tables.
  package var summary = ""
  /// The key that chooses, mostly `type`.
  package var choiceKey = "type"
  /// What is chosen where the key is absent; nil where it must be given.
  package var fallback: String?
  /// What can be chosen; none for an object of fixed keys.
  package var variants: [Variant] = []
  /// The keys that stand beside, whatever is chosen.
  package var keys: [Hyperparameter] = []
  /// The key that takes the choice's place: `layers` of a model.
  package var alternative: Hyperparameter?
  /// The key that a text in the object's place stands for.
  package var shorthand: String?
  /// Keys of which an object has exactly one.
  package var exactlyOne: [String] = []
  /// What a number in the object's place was likely meant to be.
  package var numberMeans: (@Sendable (JSONValue) -> JSONValue)?
  /// What is refused before anything is read, with a better message than a key's own.
  package var refusal: (@Sendable (ConfigurationReader) throws(ConfigurationError) -> Void)?

  /// An object of fixed keys.
  ///
  /// - Parameter number: the key that a number in the object's place was likely meant for.
  package init(
    _ name: String, _ keys: [Hyperparameter], shorthand: String? = nil, number: String? = nil
  ) {
    self.name = name
    self.keys = keys
    self.shorthand = shorthand
    if let number {
      numberMeans = { value in
        var object: JSONObject = [:]
        object[number] = value
        return .object(object)
      }
    }
  }

  /// A choice among variants.
  package init(
    _ name: String, variants: [Variant], key: String = "type", fallback: String? = nil,
    beside keys: [Hyperparameter] = []
  ) {
    self.name = name
    self.variants = variants
    self.fallback = fallback
    self.keys = keys
    choiceKey = key
    shorthand = key
  }

  /// The variant of a name, or nil.
  package func variant(_ name: String) -> Variant? { variants.first { $0.name == name } }

  /// The dotted keys that name files, here and in objects below; not in lists.
  package var filePaths: [String] {
    var paths: [String] = []
    for hyperparameter in variants.flatMap(\.hyperparameters) + keys {
      switch hyperparameter.kind {
      case .file, .files: paths.append(hyperparameter.key)
      case .object(let form):
        let inner = form().filePaths
        // A text in the object's place is that file.
        if let shorthand = form().shorthand, inner.contains(shorthand) {
          paths.append(hyperparameter.key)
        }
        paths += inner.map { "\(hyperparameter.key).\($0)" }
      default: break
      }
    }
    return paths
  }

  /// What is right in an object's place, in words.
  var expectation: String { "an object" + shorthandWords }
  var shorthandWords: String { shorthand.map { " with a '\($0)'" } ?? "" }
}

/// A key of a configuration: what it is called, what values it takes, which one it has when absent.
package struct Hyperparameter: Sendable {
  /// The name, `kernel`.
  package let key: String
  /// What values it takes.
  package private(set) var kind: HyperparameterKind
  /// The value where the key is absent; nil where absence has a meaning of its own, or is an error.
  package let defaultValue: JSONValue?
  /// Whether an object without the key is an error.
  package let isRequired: Bool
  /// One line for people.
  package let summary: String
  /// What absence means, for tables; the default if nil.
  package private(set) var absence: String?
  /// Whether tables show it.
  package private(set) var isShown = true
  /// The default where it follows from the values of the keys before.
  private(set) var derivation: (@Sendable ([String: JSONValue]) -> JSONValue)?
  /// A key that takes this one's place: where it has a value, this one is neither read nor needed.
  package private(set) var alternative: String?

  /// A key with a default; `[:]` for an object whose keys all have defaults.
  package static func with(
    _ key: String, _ kind: HyperparameterKind, _ value: JSONValue, _ summary: String
  ) -> Self {
    Self(key: key, kind: kind, defaultValue: value, isRequired: false, summary: summary)
  }

  /// A key that must be given.
  package static func required(
    _ key: String, _ kind: HyperparameterKind, _ summary: String
  ) -> Self {
    Self(key: key, kind: kind, defaultValue: nil, isRequired: true, summary: summary)
  }

  /// A key that may be absent.
  ///
  /// - Parameter absence: what it means then, for tables.
  package static func optional(
    _ key: String, _ kind: HyperparameterKind, _ summary: String, absence: String = ""
  ) -> Self {
    var made = Self(key: key, kind: kind, defaultValue: nil, isRequired: false, summary: summary)
    made.absence = absence
    return made
  }

  /// A choice among an enumeration's cases, with a default.
  package static func with<Choice>(_ key: String, _ value: Choice, _ summary: String) -> Self
  where Choice: CaseIterable & RawRepresentable<String> {
    .with(key, .choice(Choice.self), .string(value.rawValue), summary)
  }

  /// A key whose default follows from the values of the keys before.
  ///
  /// - Parameter absence: what it is, for tables.
  package static func derived(
    _ key: String, _ kind: HyperparameterKind, _ summary: String, absence: String,
    from derivation: @escaping @Sendable ([String: JSONValue]) -> JSONValue
  ) -> Self {
    var made = Self.optional(key, kind, summary, absence: absence)
    made.derivation = derivation
    return made
  }

  /// Whether absence has a meaning of its own, which null has, too.
  var isOptional: Bool { defaultValue == nil && derivation == nil && !isRequired }

  /// The same, left out of tables.
  package var hidden: Self {
    var other = self
    other.isShown = false
    return other
  }

  /// The same, of another kind.
  func of(_ kind: HyperparameterKind) -> Self {
    var other = self
    other.kind = kind
    return other
  }

  /// The same, whose place another key may take.
  package func unless(_ alternative: String) -> Self {
    var other = self
    other.alternative = alternative
    return other
  }

  private init(
    key: String, kind: HyperparameterKind, defaultValue: JSONValue?, isRequired: Bool,
    summary: String
  ) {
    self.key = key
    self.kind = kind
    self.defaultValue = defaultValue
    self.isRequired = isRequired
    self.summary = summary
  }
}

/// The kinds of values that a key takes.
package indirect enum HyperparameterKind: Sendable {
  /// True or false.
  case boolean
  /// An integer in a range. A number without a fraction counts as one.
  case integer(ClosedRange<Int>)
  /// A number in a range.
  case number(NumberRange)
  /// One of these words. A whole number stands for its digits.
  case choice([String])
  /// Any text.
  case text
  /// The path of a file, relative to the configuration's folder.
  case file
  /// The path of a file, or several.
  case files
  /// So many integers in a range.
  case integers(ClosedRange<Int>, count: ClosedRange<Int>)
  /// Numbers in a range.
  case numbers(NumberRange)
  /// Numbers in a range, by names that are not known before.
  case namedNumbers(NumberRange)
  /// Texts.
  case texts
  /// One integer for rows and columns, or one each, in a range.
  case pair(ClosedRange<Int>)
  /// A value of the one kind or the other.
  case either(HyperparameterKind, HyperparameterKind)
  /// An object of a form.
  case object(@Sendable () -> Form)
  /// Objects of a form, one behind the other.
  case objects(@Sendable () -> Form)
  /// An object whose keys are any names, each with an object of a form.
  case members(@Sendable () -> Form)

  /// Any finite number.
  package static var number: Self { .number(NumberRange()) }
  /// Numbers that are finite as Float32.
  package static var float32Numbers: Self { .numbers(.float32) }
  /// A finite number above 0.
  package static var positive: Self { .number(NumberRange(above: 0)) }
  /// A finite number of at least 0.
  package static var nonNegative: Self { .number(NumberRange(from: 0)) }
  /// A number in 0..<1: decay rates of running means.
  package static var decayRate: Self { .number(NumberRange(from: 0, to: 1, below: 1)) }
  /// A number in 0...1.
  package static var fraction: Self { .number(NumberRange(from: 0, to: 1)) }
  /// An integer of at least a value.
  package static func integer(atLeast least: Int) -> Self { .integer(least...Int.max) }
  /// The number of something, which fits the sizes of tensors.
  package static var size: Self { .integer(1...Int(Int32.max)) }
  /// The names of an enumeration's cases.
  package static func choice<Choice>(_: Choice.Type) -> Self
  where Choice: CaseIterable & RawRepresentable<String> {
    .choice(Choice.allCases.map(\.rawValue))
  }

  /// The forms of the objects that it takes.
  package var forms: [Form] {
    switch self {
    case .object(let form), .objects(let form), .members(let form): [form()]
    case .either(let first, let second): first.forms + second.forms
    default: []
    }
  }
}
