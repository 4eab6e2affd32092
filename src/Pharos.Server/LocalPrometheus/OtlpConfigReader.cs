using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Server.LocalPrometheus;

/// <summary>Reads the section <c>otlp</c> of prometheus.yml.</summary>
internal static class OtlpConfigReader
{
    /// <param name="legacyNames">Only names without UTF-8 are valid.</param>
    public static OtlpSettings Read(YamlSection? section, bool legacyNames)
    {
        var settings = OtlpSettings.Default;
        if (section is null) return settings;
        string strategy = section.Text("translation_strategy", "");
        if (strategy.Length == 0) strategy = nameof(OtlpTranslation.UnderscoreEscapingWithSuffixes);
        if (!Enum.TryParse(strategy, out OtlpTranslation translation) || !Enum.IsDefined(translation))
            section.Error("translation_strategy", $"unsupported OTLP translation strategy \"{strategy}\"", $"write one of {string.Join(", ", Enum.GetNames<OtlpTranslation>())}");
        else if (legacyNames && translation is OtlpTranslation.NoUTF8EscapingWithSuffixes or OtlpTranslation.NoTranslation)
            section.Error("translation_strategy", $"OTLP translation strategy \"{strategy}\" is not allowed when UTF8 is disabled", "set metric_name_validation_scheme to utf8");
        bool all = section.Bool("promote_all_resource_attributes", false);
        var promoted = Attributes(section, "promote_resource_attributes");
        var ignored = Attributes(section, "ignore_resource_attributes");
        if (all && promoted.Count > 0) section.Error("promote_resource_attributes", "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously");
        if (!all && ignored.Count > 0) section.Error("ignore_resource_attributes", "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true");
        settings = settings with
        {
            Translation = translation,
            PromoteAllResourceAttributes = all,
            PromoteResourceAttributes = promoted,
            IgnoreResourceAttributes = ignored,
            KeepIdentifyingResourceAttributes = section.Bool("keep_identifying_resource_attributes", false),
            ConvertHistogramsToCustomBuckets = section.Bool("convert_histograms_to_nhcb", false),
            PromoteScopeMetadata = section.Bool("promote_scope_metadata", false),
            LabelUnderscoreSanitization = section.Bool("label_name_underscore_sanitization", true),
            LabelKeepsMultipleUnderscores = section.Bool("label_name_preserve_multiple_underscores", true),
        };
        section.Done();
        return settings;
    }

    private static HashSet<string> Attributes(YamlSection section, string key)
    {
        var attributes = new HashSet<string>(StringComparer.Ordinal);
        foreach (string item in section.Texts(key))
        {
            string attribute = item.Trim();
            if (attribute.Length == 0) section.Error(key, $"empty OTLP resource attribute in {key}");
            else if (!attributes.Add(attribute)) section.Error(key, $"duplicated OTLP resource attribute \"{attribute}\" in {key}");
        }
        return attributes;
    }
}
